//! The C++ that stands between a Verilated class and Rust: one descriptor of plain functions per model.

use std::fmt::Write;

use crate::ports::Port;

/// The shim of model `name`, whose Verilated class is `class`.
pub(crate) fn text(name: &str, class: &str, ports: &[Port], traced: bool) -> String {
    let mut table = String::new();
    let mut cases = String::new();
    for (i, port) in ports.iter().enumerate() {
        let element = if port.wide() { "[0]" } else { "" };
        let _ = writeln!(table, "    {{\"{}\", {}, {}}},", port.name, port.width, u32::from(port.output));
        let _ = writeln!(cases, "        case {i}: return &h->model.{}{element};", port.member);
    }
    let trace = if traced { TRACE } else { NO_TRACE };
    SHIM.replace("@TRACE@", trace)
        .replace("@TRACED@", if traced { "1" } else { "0" })
        .replace("@CLASS@", class)
        .replace("@NAME@", name)
        .replace("@COUNT@", &ports.len().to_string())
        .replace("@TABLE@", &table)
        .replace("@CASES@", &cases)
}

const SHIM: &str = r#"#include "@CLASS@.h"
#include "hotloop_model.h"
#include "verilated.h"
@TRACE@
namespace {

struct Handle : hotloop_state {
    VerilatedContext context;
    // Told before the model exists, so that every signal is there when a trace starts later.
    bool tracing = (context.traceEverOn(@TRACED@), false);
    @CLASS@ model{&context, "TOP"};
    Trace trace;
};

const hotloop_port PORTS[] = {
@TABLE@    {nullptr, 0, 0},
};

// Runs `work` with this thread's messages going to `h`; no exception leaves.
template <class Work>
int32_t guarded(Handle* h, Work work) noexcept {
    hotloop_current = h;
    try {
        work();
        hotloop_current = nullptr;
        return 0;
    } catch (const std::exception& e) {
        h->error = e.what();
    } catch (...) {
        h->error = "unknown C++ exception";
    }
    hotloop_current = nullptr;
    return 1;
}

void* create() {
    try {
        return new Handle;
    } catch (...) {
        return nullptr;
    }
}

void destroy(void* p) {
    Handle* const h = static_cast<Handle*>(p);
    guarded(h, [h] {
        h->trace.close();
        h->model.final();
    });
    delete h;
}

int32_t eval(void* p) {
    Handle* const h = static_cast<Handle*>(p);
    if (!h->error.empty()) return 1;
    return guarded(h, [h] { h->model.eval(); });
}

void* port(void* p, uint32_t index) {
    Handle* const h = static_cast<Handle*>(p);
    switch (index) {
@CASES@        default: return nullptr;
    }
}

const char* error(void* p) { return static_cast<Handle*>(p)->error.c_str(); }

int32_t trace_open(void* p, const char* path) {
    Handle* const h = static_cast<Handle*>(p);
    bool open = false;
    const int32_t failed = guarded(h, [&] { open = h->trace.open(h->model, path); });
    return failed || !open;
}

void trace_dump(void* p, uint64_t time) {
    Handle* const h = static_cast<Handle*>(p);
    guarded(h, [&] { h->trace.dump(time); });
}

void trace_close(void* p) {
    Handle* const h = static_cast<Handle*>(p);
    guarded(h, [&] { h->trace.close(); });
}

hotloop_model MODEL = {"@NAME@", PORTS, @COUNT@, @TRACED@, create, destroy, eval, port, error,
                       trace_open, trace_dump, trace_close, nullptr};

struct Register {
    Register() { hotloop_register(&MODEL); }
} const REGISTER;

}  // namespace
"#;

const TRACE: &str = r#"#include <memory>

#include "verilated_vcd_c.h"

namespace {
struct Trace {
    std::unique_ptr<VerilatedVcdC> vcd;
    template <class Model>
    bool open(Model& model, const char* path) {
        if (vcd) return false;
        vcd = std::make_unique<VerilatedVcdC>();
        model.trace(vcd.get(), 99);
        vcd->open(path);
        return vcd->isOpen();
    }
    void dump(uint64_t time) {
        if (vcd) vcd->dump(time);
    }
    void close() {
        if (vcd) vcd->close();
    }
};
}  // namespace
"#;

const NO_TRACE: &str = r#"
namespace {
struct Trace {
    template <class Model>
    bool open(Model&, const char*) {
        return false;
    }
    void dump(uint64_t) {}
    void close() {}
};
}  // namespace
"#;
