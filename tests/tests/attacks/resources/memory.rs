//! R3, R4: memory and stacks.

use testkit::labs;

use super::java_ends;
use crate::frame::{Row, ends::ends, family};

#[test]
fn memory_counts_wherever_it_is_and_a_signal_alone_is_no_evidence() {
    let memory = || ends(&["MLE"]).limit("cpu_ms", 5000);
    let java = || java_ends(&["MLE"]).limit("cpu_ms", 5000);
    let only = |what: &str| [labs::test(what, &format!("{what}\n"), "3\n")];
    family([
        Row::program("R3_heap_c", "r3/heap.c", memory()),
        Row::program("R3_static_array_c", "r3/static_array.c", memory()),
        Row::program("R3_mmap_c", "r3/mmap.c", memory()),
        Row::program("R3_files_c", "r3/files.c", memory()),
        Row::program("R3_shm_and_heap_c", "r3/shm_and_heap.c", memory().tests(&only("both"))),
        Row::program(
            "R3_shm_or_heap_alone_c",
            "r3/shm_and_heap.c",
            ends(&["AC"]).tests(&[only("shm"), only("heap")].concat()),
        ),
        Row::program("R3_many_children_c", "r3/many_children.c", memory()),
        Row::program("R3_child_c", "r3/child.c", memory()),
        Row::program("R3_heap_python", "r3/heap.py", memory()),
        Row::program("R3_files_python", "r3/files.py", memory()),
        Row::program("R3_heap_java", "r3/Heap.java", java()),
        Row::program("R3_array_java", "r3/Array.java", java()),
        Row::program("R3_buffers_java", "r3/Buffers.java", java()),
        Row::program("R3_files_java", "r3/Files.java", java().limit("memory_mb", 96)),
        Row::program("R3_kills_itself_c", "r3/kills_itself.c", ends(&["RTE"]).saying("signal 9")),
        Row::program("R3_kills_itself_python", "r3/kills_itself.py", ends(&["RTE"]).saying("signal 9")),
        Row::program("R3_kills_itself_java", "r3/KillsItself.java", java_ends(&["RTE"]).saying("signal 9")),
        Row::program("R3_fakes_exhaustion_java", "r3/FakesExhaustion.java", java_ends(&["AC"])),
    ]);
}

#[test]
fn stacks_and_arrays_that_are_too_large_end_quickly() {
    let large = || ends(&["RTE", "MLE", "CE"]).limit("memory_mb", 128).limit("cpu_ms", 5000);
    family([
        Row::program("R4_recursion_c", "r4/recursion.c", large()),
        Row::program("R4_huge_array_c", "r4/huge_array.c", large()),
        Row::program("R4_huge_bss_c", "r4/huge_bss.c", large()),
        Row::program("R4_huge_local_c", "r4/huge_local.c", large()),
        Row::program("R4_recursion_python", "r4/recursion.py", ends(&["RTE"]).saying("recursion")),
        Row::program("R4_c_stack_python", "r4/deep_c_stack.py", large()),
        Row::program("R4_recursion_java", "r4/Recursion.java", java_ends(&["RTE"]).saying("stack overflow")),
    ]);
}
