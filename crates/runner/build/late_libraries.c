/* The resolver of one library that is opened at the first call: see late_libraries.rs, which defines
 * LIBRARY    its name, such as cublas
 * FILE_NAME  the file to open, such as "libcublas.so.13"
 * TOOLKIT    the folder of its wheel, such as "cu13"
 * MISSING    what every function returns where the library is not found
 * OUTDATED   what a function returns that the library found does not have
 * Documented for users in the README: keep the order of the places the same there and in crates/runner/src/device/explain.rs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOIN(a, b) a##b
#define NAMED(a, b) JOIN(a, b)
#define TEXT(a) #a
#define NAME(a) TEXT(a)

extern void *NAMED(late_table_, LIBRARY)[];
extern const char *const NAMED(late_names_, LIBRARY)[];

static void *library;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int missing(void) { return MISSING; }
static int outdated(void) { return OUTDATED; }

/* Opens folder/part/FILE_NAME, unless something was opened before. */
static void try_folder(const char *folder, const char *part) {
    char path[4096];
    if (library || !folder || !*folder) return;
    if (snprintf(path, sizeof path, "%s/%s/" FILE_NAME, folder, part) >= (int)sizeof path) return;
    if (access(path, R_OK) == 0) library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
}

/* The wheels that PyTorch brings, in a Python whose programs are in prefix/bin. */
static void try_wheels(const char *prefix) {
    static const char *const patterns[] = {
        "%s/lib*/python3*/site-packages/nvidia/" TOOLKIT "/lib", "%s/lib*/python3*/site-packages/nvidia/" NAME(LIBRARY) "/lib",
        "%s/lib*/python3*/site-packages/nvidia/cuda_" NAME(LIBRARY) "/lib", "%s/lib*/python3*/dist-packages/nvidia/" TOOLKIT "/lib"};
    for (size_t i = 0; prefix && *prefix && i < sizeof patterns / sizeof *patterns; i++) {
        char pattern[4096];
        glob_t found;
        if (snprintf(pattern, sizeof pattern, patterns[i], prefix) >= (int)sizeof pattern) return;
        if (glob(pattern, 0, 0, &found) == 0) {
            for (size_t j = 0; j < found.gl_pathc; j++) try_folder(found.gl_pathv[j], ".");
            globfree(&found);
        }
    }
}

/* The wheels of the python3 on the path. */
static void try_python(void) {
    const char *path = getenv("PATH");
    while (path && *path) {
        char prefix[4096];
        int length = (int)strcspn(path, ":");
        if (length > 0 && snprintf(prefix, sizeof prefix, "%.*s/python3", length, path) < (int)sizeof prefix && access(prefix, X_OK) == 0) {
            snprintf(prefix, sizeof prefix, "%.*s/..", length, path);
            try_wheels(prefix);
            return;
        }
        path += length;
        if (*path) path++;
    }
}

static void open_library(void) {
    char program[4096];
    ssize_t length;
    library = dlopen(FILE_NAME, RTLD_NOW | RTLD_GLOBAL); /* LD_LIBRARY_PATH and the system's own folders */
    try_folder(getenv("CUDA_LIB_DIR"), ".");
    if (!strcmp(NAME(LIBRARY), "cuda")) return; /* the driver is no part of a toolkit */
    if ((length = readlink("/proc/self/exe", program, sizeof program - 1)) > 0) {
        program[length] = 0;
        *strrchr(program, '/') = 0;
        try_folder(program, "cuda");
    }
    try_folder(getenv("CUDA_HOME"), "lib64");
    try_folder("/usr/local/cuda", "lib64");
    try_wheels(getenv("VIRTUAL_ENV"));
    try_python();
    try_wheels("/usr/local");
    if (getenv("HOME") && snprintf(program, sizeof program, "%s/.local", getenv("HOME")) < (int)sizeof program) try_wheels(program);
}

__attribute__((visibility("hidden"))) void *NAMED(late_resolve_, LIBRARY)(unsigned index) {
    pthread_once(&once, open_library);
    void *function = library ? dlsym(library, NAMED(late_names_, LIBRARY)[index]) : 0;
    if (!function) function = library ? (void *)outdated : (void *)missing;
    return NAMED(late_table_, LIBRARY)[index] = function;
}
