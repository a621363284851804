//! Makes sure that there is a BPF file system under the pin directory. Must not know what is pinned.
