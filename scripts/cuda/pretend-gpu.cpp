// Pretends to be NVIDIA's driver and cuBLASLt, with a GPU that is the emulator of the fused step's kernels: what scripts/cuda-calls runs the
// fused step's tests on, to check every call that it makes. It knows the calls of crates/kernels/src/gpu/cuda and no others, takes them by NVIDIA's
// documentation, and refuses what that does not allow:
//
// - memory outside allocations, attributes of the wrong size, matrices whose sizes do not fit each other;
// - a recording whose streams do not meet again, and waiting for one while it is being made;
// - a graph runs its nodes in a random order among those that their dependencies allow, so that a missing dependency shows.
//
// At the end of the process it says how many objects and allocations were not given back.
#include "../../crates/kernels/src/gpu/emulator.cpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {
enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_FOUND = 500, LAUNCH_FAILED = 719, CAPTURE_UNSUPPORTED = 900, CAPTURE_UNJOINED = 904 };
enum { BLAS_SUCCESS = 0, BLAS_INVALID_VALUE = 7 };

int refuse(const char* what, int code) {
    fprintf(stderr, "pretend-gpu: refused: %s\n", what);
    return code;
}

struct Node {
    std::function<int()> run;
    std::set<size_t> after;
};
struct Recorded {
    std::vector<Node> nodes;
};
// A recording under way.
struct Capture {
    Recorded graph;
    struct Stream* origin;
    bool has_ended = false;
};
// A stream, or an event: what it records into, and the nodes that the next one comes after.
struct Place {
    std::shared_ptr<Capture> of;
    std::set<size_t> last;
    // With the end of a recording, all that took part in it leave it.
    Capture* capture() const { return of && !of->has_ended ? of.get() : nullptr; }
};
struct Stream : Place {};
struct Event : Place {};
struct Executable {
    Recorded graph;
    std::mt19937 order;
};

std::mutex lock; // tests run on several threads
std::map<unsigned long long, size_t> allocations;
long objects = 0;

struct AtExit {
    ~AtExit() { fprintf(stderr, "pretend-gpu: %ld objects and %zu allocations were not given back\n", objects, allocations.size()); }
} at_exit;

template <typename T, typename H> void make(H** handle, T* object) {
    objects++;
    *handle = reinterpret_cast<H*>(object);
}

bool is_allocated(unsigned long long first, size_t bytes) {
    auto after = allocations.upper_bound(first);
    if (after == allocations.begin()) return false;
    const auto& [start, size] = *std::prev(after);
    return first + bytes <= start + size;
}

// Does it, or notes it where the stream records.
int submit(Stream* stream, std::function<int()> run) {
    if (!stream->capture()) return run();
    auto& nodes = stream->capture()->graph.nodes;
    nodes.push_back({std::move(run), stream->last});
    stream->last = {nodes.size() - 1};
    return SUCCESS;
}
} // namespace

#define API extern "C" __attribute__((visibility("default")))

API int cuInit(unsigned) { return SUCCESS; }
API int cuDeviceGet(int* device, int ordinal) { return *device = ordinal, ordinal == 0 ? SUCCESS : 101; }
API int cuDevicePrimaryCtxRetain(void** context, int) {
    std::lock_guard guard(lock);
    objects++;
    return *context = &lock, SUCCESS;
}
API int cuDevicePrimaryCtxRelease_v2(int) {
    std::lock_guard guard(lock);
    return objects--, SUCCESS;
}
API int cuCtxSetCurrent(void* context) { return context == &lock ? SUCCESS : refuse("a context that nobody gave", INVALID_VALUE); }
API int cuGetErrorName(int, const char** name) { return *name = "PRETENDED", SUCCESS; }
API int cuGetErrorString(int, const char** text) { return *text = "pretended", SUCCESS; }

API int cuModuleLoadData(void** module, const void*) {
    std::lock_guard guard(lock);
    return make(module, new int), SUCCESS;
}
API int cuModuleUnload(void* module) {
    std::lock_guard guard(lock);
    return delete static_cast<int*>(module), objects--, SUCCESS;
}
API int cuModuleGetFunction(void** function, void*, const char* name) {
    const Entry* entry = find(name);
    return *function = const_cast<Entry*>(entry), entry ? SUCCESS : refuse(name, NOT_FOUND);
}

API int cuMemAlloc_v2(unsigned long long* address, size_t bytes) {
    std::lock_guard guard(lock);
    void* memory = bytes ? aligned_alloc(256, (bytes + 255) / 256 * 256) : nullptr;
    if (!memory) return refuse("an allocation of nothing", INVALID_VALUE);
    memset(memory, 0xa5, bytes); // what was there before
    *address = reinterpret_cast<unsigned long long>(memory);
    return allocations[*address] = bytes, SUCCESS;
}
API int cuMemFree_v2(unsigned long long address) {
    std::lock_guard guard(lock);
    if (!allocations.erase(address)) return refuse("memory that nobody gave", INVALID_VALUE);
    return free(reinterpret_cast<void*>(address)), SUCCESS;
}
API int cuMemsetD8Async(unsigned long long address, unsigned char value, size_t bytes, Stream* stream) {
    std::lock_guard guard(lock);
    if (!is_allocated(address, bytes)) return refuse("setting memory that nobody gave", INVALID_VALUE);
    if (stream->capture()) return refuse("memory set within a recording", CAPTURE_UNSUPPORTED);
    return memset(reinterpret_cast<void*>(address), value, bytes), SUCCESS;
}
API int cuMemcpyHtoDAsync_v2(unsigned long long to, const void* from, size_t bytes, Stream* stream) {
    std::lock_guard guard(lock);
    if (!is_allocated(to, bytes)) return refuse("writing outside an allocation", INVALID_VALUE);
    if (stream->capture()) return refuse("a copy within a recording", CAPTURE_UNSUPPORTED);
    return memcpy(reinterpret_cast<void*>(to), from, bytes), SUCCESS;
}
API int cuMemcpyDtoHAsync_v2(void* to, unsigned long long from, size_t bytes, Stream* stream) {
    std::lock_guard guard(lock);
    if (!is_allocated(from, bytes)) return refuse("reading outside an allocation", INVALID_VALUE);
    if (stream->capture()) return refuse("a copy within a recording", CAPTURE_UNSUPPORTED);
    return memcpy(to, reinterpret_cast<void*>(from), bytes), SUCCESS;
}

API int cuStreamCreate(Stream** stream, unsigned) {
    std::lock_guard guard(lock);
    return make(stream, new Stream), SUCCESS;
}
API int cuStreamDestroy_v2(Stream* stream) {
    std::lock_guard guard(lock);
    return delete stream, objects--, SUCCESS;
}
API int cuStreamSynchronize(Stream* stream) {
    std::lock_guard guard(lock);
    return stream->capture() ? refuse("waiting for a stream that records", CAPTURE_UNSUPPORTED) : SUCCESS;
}
API int cuEventCreate(Event** event, unsigned) {
    std::lock_guard guard(lock);
    return make(event, new Event), SUCCESS;
}
API int cuEventDestroy_v2(Event* event) {
    std::lock_guard guard(lock);
    return delete event, objects--, SUCCESS;
}
API int cuEventRecord(Event* event, Stream* stream) {
    std::lock_guard guard(lock);
    return static_cast<Place&>(*event) = *stream, SUCCESS;
}
API int cuStreamWaitEvent(Stream* stream, Event* event, unsigned) {
    std::lock_guard guard(lock);
    if (!event->capture())
        return stream->capture() ? refuse("a recording that waits for what is not in it", CAPTURE_UNSUPPORTED) : SUCCESS;
    if (!stream->capture()) stream->of = event->of, stream->last.clear();
    if (stream->of != event->of) return refuse("two recordings that wait for each other", CAPTURE_UNSUPPORTED);
    return stream->last.insert(event->last.begin(), event->last.end()), SUCCESS;
}
API int cuStreamBeginCapture_v2(Stream* stream, int) {
    std::lock_guard guard(lock);
    if (stream->capture()) return refuse("a stream that records already", CAPTURE_UNSUPPORTED);
    stream->of = std::make_shared<Capture>();
    stream->of->origin = stream;
    return stream->last.clear(), SUCCESS;
}
API int cuStreamEndCapture(Stream* stream, Recorded** graph) {
    std::lock_guard guard(lock);
    Capture* capture = stream->capture();
    if (!capture || capture->origin != stream) return refuse("the end of a recording that did not begin here", CAPTURE_UNSUPPORTED);
    // Every node must come before what the origin has last.
    std::set<size_t> reached = stream->last;
    for (size_t node = capture->graph.nodes.size(); node-- > 0;)
        if (reached.count(node)) reached.insert(capture->graph.nodes[node].after.begin(), capture->graph.nodes[node].after.end());
    capture->has_ended = true;
    if (reached.size() != capture->graph.nodes.size()) return refuse("a recording whose streams do not meet again", CAPTURE_UNJOINED);
    return make(graph, new Recorded(capture->graph)), SUCCESS;
}
API int cuGraphInstantiateWithFlags(Executable** executable, Recorded* graph, unsigned long long) {
    std::lock_guard guard(lock);
    return make(executable, new Executable{*graph, std::mt19937(graph->nodes.size())}), SUCCESS;
}
API int cuGraphUpload(Executable*, Stream*) { return SUCCESS; }
API int cuGraphLaunch(Executable* executable, Stream* stream) {
    std::lock_guard guard(lock);
    if (stream->capture()) return refuse("a graph within a recording", CAPTURE_UNSUPPORTED);
    auto& nodes = executable->graph.nodes;
    std::vector<bool> done(nodes.size());
    for (size_t count = 0; count < nodes.size(); count++) {
        std::vector<size_t> ready;
        for (size_t node = 0; node < nodes.size(); node++) {
            bool may_run = !done[node];
            for (size_t before : nodes[node].after) may_run = may_run && done[before];
            if (may_run) ready.push_back(node);
        }
        const size_t node = ready[executable->order() % ready.size()];
        if (int code = nodes[node].run()) return code;
        done[node] = true;
    }
    return SUCCESS;
}
API int cuGraphExecDestroy(Executable* executable) {
    std::lock_guard guard(lock);
    return delete executable, objects--, SUCCESS;
}
API int cuGraphDestroy(Recorded* graph) {
    std::lock_guard guard(lock);
    return delete graph, objects--, SUCCESS;
}
API int cuLaunchKernel(const Entry* kernel, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned threads_y, unsigned threads_z, unsigned,
                       Stream* stream, void** parameters, void** extra) {
    std::lock_guard guard(lock);
    if (!x || !y || z != 1 || threads != THREADS || threads_y != 1 || threads_z != 1 || extra || y > 65535)
        return refuse("a grid or block of the wrong shape", INVALID_VALUE);
    // The parameters are copied at the call, as the driver does.
    std::vector<u64> arguments((kernel->size + 7) / 8);
    memcpy(arguments.data(), parameters[0], kernel->size);
    return submit(stream, [=]() { return relumine_launch(kernel->name, arguments.data(), x, y, 0) ? LAUNCH_FAILED : SUCCESS; });
}

// cuBLASLt, for column-major matrices of f32.
namespace {
struct Description {
    int compute, transposes_a = 0, transposes_b = 0;
    unsigned epilogue = 1; // DEFAULT
    const float* bias = nullptr;
    long long bias_stride = 0;
};
struct MatrixLayout {
    u64 rows, columns;
    long long leading;
    int batch = 1;
    long long stride = 0;
};
struct Preference {
    u64 workspace = 0;
    unsigned reduction = 7;
};
struct Heuristic {
    u64 algorithm[8];
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
};

template <typename T> int take(T& place, const void* value, size_t size) {
    if (size != sizeof(T)) return refuse("an attribute of the wrong size", BLAS_INVALID_VALUE);
    return memcpy(&place, value, size), BLAS_SUCCESS;
}

bool fits(const Description& d, const MatrixLayout& a, const MatrixLayout& b, const MatrixLayout& c) {
    const u64 m = c.rows, n = c.columns, k = d.transposes_a ? a.rows : a.columns;
    const bool a_fits = (d.transposes_a ? a.columns : a.rows) == m;
    const bool b_fits = (d.transposes_b ? b.columns : b.rows) == k && (d.transposes_b ? b.rows : b.columns) == n;
    const bool lies = a.leading >= (long long)a.rows && b.leading >= (long long)b.rows && c.leading >= (long long)c.rows;
    return a_fits && b_fits && lies && a.batch == b.batch && a.batch == c.batch && m && n && k;
}
} // namespace

API int cublasLtCreate(void** handle) {
    std::lock_guard guard(lock);
    return make(handle, new int), BLAS_SUCCESS;
}
API int cublasLtDestroy(void* handle) {
    std::lock_guard guard(lock);
    return delete static_cast<int*>(handle), objects--, BLAS_SUCCESS;
}
API int cublasLtMatmulDescCreate(Description** description, int compute, int scale) {
    std::lock_guard guard(lock);
    if (scale != 0) return refuse("a scale that is no f32", BLAS_INVALID_VALUE);
    return make(description, new Description{compute}), BLAS_SUCCESS;
}
API int cublasLtMatmulDescDestroy(Description* description) {
    std::lock_guard guard(lock);
    return delete description, objects--, BLAS_SUCCESS;
}
API int cublasLtMatmulDescSetAttribute(Description* d, int attribute, const void* value, size_t size) {
    switch (attribute) {
    case 3: return take(d->transposes_a, value, size);
    case 4: return take(d->transposes_b, value, size);
    case 7: return take(d->epilogue, value, size);
    case 8: return take(d->bias, value, size);
    case 10: return take(d->bias_stride, value, size);
    default: return refuse("an attribute of a product that is not known here", BLAS_INVALID_VALUE);
    }
}
API int cublasLtMatrixLayoutCreate(MatrixLayout** layout, int type, u64 rows, u64 columns, long long leading) {
    std::lock_guard guard(lock);
    if (type != 0) return refuse("a matrix of something other than f32", BLAS_INVALID_VALUE);
    return make(layout, new MatrixLayout{rows, columns, leading}), BLAS_SUCCESS;
}
API int cublasLtMatrixLayoutDestroy(MatrixLayout* layout) {
    std::lock_guard guard(lock);
    return delete layout, objects--, BLAS_SUCCESS;
}
API int cublasLtMatrixLayoutSetAttribute(MatrixLayout* layout, int attribute, const void* value, size_t size) {
    switch (attribute) {
    case 5: return take(layout->batch, value, size);
    case 6: return take(layout->stride, value, size);
    default: return refuse("an attribute of a matrix that is not known here", BLAS_INVALID_VALUE);
    }
}
API int cublasLtMatmulPreferenceCreate(Preference** preference) {
    std::lock_guard guard(lock);
    return make(preference, new Preference), BLAS_SUCCESS;
}
API int cublasLtMatmulPreferenceDestroy(Preference* preference) {
    std::lock_guard guard(lock);
    return delete preference, objects--, BLAS_SUCCESS;
}
API int cublasLtMatmulPreferenceSetAttribute(Preference* preference, int attribute, const void* value, size_t size) {
    switch (attribute) {
    case 1: return take(preference->workspace, value, size);
    case 3: return take(preference->reduction, value, size);
    default: return refuse("an attribute of a preference that is not known here", BLAS_INVALID_VALUE);
    }
}
API int cublasLtMatmulAlgoGetHeuristic(void*, const Description* d, const MatrixLayout* a, const MatrixLayout* b, const MatrixLayout* c,
                                       const MatrixLayout*, const Preference* preference, int, Heuristic* result, int* count) {
    if (!fits(*d, *a, *b, *c)) return refuse("matrices that do not fit each other", BLAS_INVALID_VALUE);
    if (preference->reduction & 1) return refuse("sums that may be added up in any order", BLAS_INVALID_VALUE);
    *result = Heuristic{{0x5e1ec7ed}, preference->workspace, 0, 1.0f, {}};
    return *count = 1, BLAS_SUCCESS;
}
API int cublasLtMatmul(void*, const Description* description, const float* alpha, const float* a, const MatrixLayout* a_layout, const float* b,
                       const MatrixLayout* b_layout, const float* beta, const float* c, const MatrixLayout* c_layout, float* out,
                       const MatrixLayout*, const u64* algorithm, void* workspace, size_t workspace_size, Stream* stream) {
    std::lock_guard guard(lock);
    const Description d = *description;
    const MatrixLayout la = *a_layout, lb = *b_layout, lc = *c_layout;
    const float one = *alpha, old = *beta;
    const bool has_bias = d.epilogue & 4;
    if (d.epilogue != 1 && d.epilogue != 4) return refuse("an epilogue that is not known here", BLAS_INVALID_VALUE);
    auto end = [](const void* first, const MatrixLayout& l) {
        return is_allocated(reinterpret_cast<unsigned long long>(first), ((l.batch - 1) * l.stride + (l.columns - 1) * l.leading + l.rows) * 4);
    };
    if (!fits(d, la, lb, lc) || !end(a, la) || !end(b, lb) || !end(out, lc) || c != out || algorithm[0] != 0x5e1ec7ed)
        return refuse("a product of matrices that do not fit, or lie outside an allocation", BLAS_INVALID_VALUE);
    if (has_bias != (d.bias != nullptr)) return refuse("a bias without an epilogue, or the other way round", BLAS_INVALID_VALUE);
    if (!is_allocated(reinterpret_cast<unsigned long long>(workspace), workspace_size))
        return refuse("a workspace outside an allocation", BLAS_INVALID_VALUE);
    return submit(stream, [=]() {
        // What a library may leave there.
        memset(workspace, 0x5a, 4096);
        const u64 k = d.transposes_a ? la.rows : la.columns;
        for (int replica = 0; replica < lc.batch; replica++)
            for (u64 column = 0; column < lc.columns; column++)
                for (u64 row = 0; row < lc.rows; row++) {
                    double sum = has_bias ? d.bias[replica * d.bias_stride + row] : 0.0;
                    const float *pa = a + replica * la.stride, *pb = b + replica * lb.stride;
                    for (u64 i = 0; i < k; i++)
                        sum += double(d.transposes_a ? pa[i + row * la.leading] : pa[row + i * la.leading]) *
                               (d.transposes_b ? pb[column + i * lb.leading] : pb[i + column * lb.leading]);
                    float& place = out[replica * lc.stride + column * lc.leading + row];
                    float value = one * float(sum);
                    if (old != 0.0f) value += old * place;
                    place = value;
                }
        return SUCCESS;
    });
}
