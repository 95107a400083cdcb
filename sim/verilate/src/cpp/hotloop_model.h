// What a Verilated model offers to Rust. sim/src/ffi.rs mirrors these structures.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>

extern "C" {
struct hotloop_port {
    const char* name;
    uint32_t width;   // bits
    uint32_t output;  // 1: the model drives it
};

struct hotloop_model {
    const char* name;
    const hotloop_port* ports;
    uint32_t port_count;
    uint32_t traced;  // 1: trace_open works
    void* (*create)();
    void (*destroy)(void*);
    int32_t (*eval)(void*);               // 0, or 1: see error(); the model stays as it is from then on
    void* (*port)(void*, uint32_t);       // address of a port's storage
    const char* (*error)(void*);          // owned by the model, valid until the next call
    int32_t (*trace_open)(void*, const char*);
    void (*trace_dump)(void*, uint64_t);  // a time stamp, rising
    void (*trace_close)(void*);
    const hotloop_model* next;
};

// Called by every model's static constructor.
void hotloop_register(hotloop_model*);
// The models of this binary, linked by `next`.
const hotloop_model* hotloop_models();
// In place of printf for $display and Verilator's own messages: standard output belongs to the program.
int hotloop_printf(const char* format, ...);
}

// The part of a model's state that the runtime needs.
struct hotloop_state {
    std::string log;    // the last messages of the model
    std::string error;  // why it stopped; empty while it runs
};

// The model that this thread is evaluating.
extern __thread hotloop_state* hotloop_current;

// Leaves an evaluation that cannot go on ($stop, $fatal, no convergence). Caught in the model's shim.
struct hotloop_stop : std::runtime_error {
    using std::runtime_error::runtime_error;
};
