//! The drawing of ARCHITECTURE.md as a table: which module may know which. Change both together.

/// What one top-level module may know.
pub(super) struct Layer {
    /// Its name.
    pub(super) module: &'static str,
    /// Modules it may use; `None` for shells, which wire everything.
    uses: Option<&'static [&'static str]>,
    /// Crates of [`ADAPTER_CRATES`] it may use.
    pub(super) crates: &'static [&'static str],
}

/// Crates and parts of the standard library that have no place in the core.
pub(super) const ADAPTER_CRATES: &[&str] = &[
    "aya",
    "tokio",
    "hyper",
    "rustix",
    "clap",
    "pcap_parser",
    "std::fs",
    "std::thread",
    "std::net::TcpStream",
    "std::process",
    "std::env",
];

impl Layer {
    /// Whether this module may use that one.
    pub(super) fn may_use(&self, module: &str) -> bool {
        self.uses.is_none_or(|uses| uses.contains(&module))
    }
}

/// A module of the core: pure, no adapter crate.
const fn core(module: &'static str, uses: &'static [&'static str]) -> Layer {
    Layer {
        module,
        uses: Some(uses),
        crates: &[],
    }
}

/// An adapter: at the edge, knows the values it carries.
const fn adapter(
    module: &'static str,
    uses: &'static [&'static str],
    crates: &'static [&'static str],
) -> Layer {
    Layer {
        module,
        uses: Some(uses),
        crates,
    }
}

/// A shell: wires the others.
const fn shell(module: &'static str) -> Layer {
    Layer {
        module,
        uses: None,
        crates: ADAPTER_CRATES,
    }
}

/// All top-level modules, in pipeline order.
pub(super) const LAYERS: &[Layer] = &[
    // leaf values
    adapter("time", &[], &["rustix"]),
    core("limits", &[]),
    core("histogram", &[]),
    core("lru", &[]),
    core("named_set", &[]),
    core("text", &[]),
    core("flow", &[]),
    core("packet", &["time"]),
    core("enforce", &[]),
    // stages
    core("segment", &["flow", "limits", "packet", "time"]),
    core("stream", &["flow", "limits", "lru", "segment", "time"]),
    core("http", &["flow", "limits", "named_set", "stream", "time"]),
    core(
        "reader",
        &["flow", "http", "limits", "packet", "segment", "stream", "time"],
    ),
    core("body", &["limits", "named_set"]),
    core(
        "observe",
        &["body", "flow", "http", "limits", "lru", "named_set", "time"],
    ),
    core("detect", &["flow", "limits", "lru", "observe", "time"]),
    // A case shows the verdict on each of its sources; it does not make it.
    core(
        "case",
        &["detect", "flow", "limits", "lru", "observe", "time", "verdict"],
    ),
    core(
        "verdict",
        &[
            "case", "detect", "enforce", "flow", "limits", "lru", "observe", "time",
        ],
    ),
    core(
        "judge",
        &[
            "case", "detect", "enforce", "flow", "journal", "limits", "lru", "observe", "time", "verdict",
        ],
    ),
    // who would have been blocked: what the judge says, summed up
    core(
        "backtest",
        &[
            "case", "detect", "journal", "lru", "observe", "time", "verdict", "enforce",
        ],
    ),
    // adapters
    adapter("record", &["observe", "time"], &["std::fs", "std::thread"]),
    adapter(
        "source",
        &["flow", "limits", "packet", "segment", "time"],
        &["rustix", "std::fs"],
    ),
    adapter(
        "kernel",
        &["enforce", "flow", "limits", "netlink", "segment", "time"],
        &["aya", "rustix", "std::fs", "std::thread"],
    ),
    adapter(
        "journal",
        &[
            "case",
            "detect",
            "flow",
            "histogram",
            "observe",
            "time",
            "verdict",
        ],
        &[
            "rustix",
            "std::fs",
            "std::net::TcpStream",
            "std::process",
            "std::thread",
        ],
    ),
    adapter(
        "hostnet",
        &["netlink", "verdict"],
        &["rustix", "std::env", "std::fs"],
    ),
    adapter(
        "state",
        &["case", "observe", "time", "verdict"],
        &["rustix", "std::fs", "std::process"],
    ),
    adapter("netlink", &[], &["rustix"]),
    adapter("cut", &["enforce", "netlink"], &["rustix", "std::thread"]),
    // what should be in the kernel beside what is: values of both
    adapter("verify", &["kernel", "time", "verdict"], &[]),
    // shells
    shell("pipeline"),
    shell("replay"),
    shell("config"),
    shell("control"),
    shell("metrics"),
    shell("privilege"),
    shell("report"),
    shell("daemon"),
    shell("doctor"),
    shell("cli"),
    shell("lib"),
    shell("main"),
];
