// The registry of models, and what Verilator's runtime calls when a model stops.
#include "hotloop_model.h"

#include <cstdarg>
#include <cstdio>

#include "verilated.h"

__thread hotloop_state* hotloop_current = nullptr;

// Zero before any static constructor runs, so registration may come in any order.
static hotloop_model* models;

void hotloop_register(hotloop_model* model) {
    model->next = models;
    models = model;
}

const hotloop_model* hotloop_models() { return models; }

int hotloop_printf(const char* format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    std::fputs(text, stderr);
    if (hotloop_current) {
        // Enough for the message that goes with a $stop; a chatty model must not fill memory.
        if (hotloop_current->log.size() > 4096) hotloop_current->log.clear();
        hotloop_current->log += text;
    }
    return length;
}

// Verilator's generated code loops for ever when a "does not converge" report returns, so all three leave by an
// exception, which the shim catches before Rust could see it.
static void stop(const char* file, int line, const char* what) {
    std::string text = what;
    if (file && file[0]) text += std::string(" at ") + file + ":" + std::to_string(line);
    if (hotloop_current && !hotloop_current->log.empty()) text += ": " + hotloop_current->log;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    throw hotloop_stop(text);
}

void vl_stop(const char* file, int line, const char*) { stop(file, line, "$stop"); }
void vl_finish(const char* file, int line, const char*) { stop(file, line, "$finish"); }
void vl_fatal(const char* file, int line, const char*, const char* message) { stop(file, line, message); }
