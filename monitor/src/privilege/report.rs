//! What is in force for each thread of this process, as the kernel tells it: not what was asked for. Must not change
//! anything.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::{Sandbox, caps};

/// One kind of thread. Threads of a pool count as one kind where they may do the same.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ThreadState {
    /// Its name, without the number of a shard.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// The user that it runs as.
    pub uid: u32,
    /// Its effective capabilities.
    pub capabilities: Vec<String>,
    /// Whether it can never get more than it has.
    pub no_new_privs: bool,
    /// System call filters on it.
    pub seccomp_filters: u32,
    /// `full`, `partial` or `none`; only of threads in a sandbox.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub landlock: Option<String>,
}

/// All threads of this process, by kind.
pub fn threads(sandbox: &Sandbox) -> Vec<ThreadState> {
    kinds(Path::new("/proc/self/task"), &sandbox.fenced())
}

fn kinds(tasks: &Path, fenced: &BTreeMap<String, &'static str>) -> Vec<ThreadState> {
    let entries = std::fs::read_dir(tasks).into_iter().flatten().flatten();
    let mut kinds: Vec<ThreadState> = Vec::new();
    for entry in entries {
        // A thread that has just ended has no state any more.
        let Ok(status) = std::fs::read_to_string(entry.path().join("status")) else {
            continue;
        };
        let state = state(&status, fenced);
        let same = |kind: &&mut ThreadState| {
            let count = kind.count;
            **kind
                == ThreadState {
                    count,
                    ..state.clone()
                }
        };
        match kinds.iter_mut().find(same) {
            Some(kind) => kind.count += 1,
            None => kinds.push(state),
        }
    }
    kinds.sort_by(|a, b| a.name.cmp(&b.name));
    kinds
}

/// Of a text as that of `/proc/PID/status`, `proc_pid_status(5)`.
fn state(status: &str, fenced: &BTreeMap<String, &'static str>) -> ThreadState {
    let field = |wanted: &str| {
        status.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name == wanted).then(|| value.trim())
        })
    };
    let number = |name: &str| field(name).and_then(|text| text.parse().ok()).unwrap_or(0);
    let name = field("Name").unwrap_or("?");
    // Real, effective, saved, file system.
    let uid = field("Uid").and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
    ThreadState {
        name: name
            .trim_end_matches(|c: char| c == '-' || c.is_ascii_digit())
            .to_owned(),
        count: 1,
        uid: uid.unwrap_or(0),
        capabilities: caps::names(field("CapEff").unwrap_or("0")),
        no_new_privs: number("NoNewPrivs") == 1,
        seccomp_filters: number("Seccomp_filters"),
        landlock: fenced.get(name).map(|state| (*state).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_a_kind_are_told_once_and_as_the_kernel_sees_them() {
        let dir = tempfile::tempdir().unwrap();
        let task = |id: u32, name: &str, uid: u32, caps: &str, nnp: u8, filters: u8| {
            let text = format!(
                "Name:\t{name}\nUid:\t0\t{uid}\t0\t0\nCapPrm:\t1\nCapEff:\t{caps}\nNoNewPrivs:\t{nnp}\n\
                 Seccomp:\t2\nSeccomp_filters:\t{filters}\n"
            );
            let at = dir.path().join(id.to_string());
            std::fs::create_dir(&at).unwrap();
            std::fs::write(at.join("status"), text).unwrap();
        };
        task(1, "apimon", 0, "0000000000001000", 1, 0);
        task(2, "parse-0", 65_534, "0", 1, 2);
        task(3, "parse-1", 65_534, "0", 1, 2);
        let fenced = BTreeMap::from([("parse-0".to_owned(), "full"), ("parse-1".to_owned(), "full")]);
        let found = kinds(dir.path(), &fenced);
        let expected = [
            ThreadState {
                name: "apimon".into(),
                count: 1,
                capabilities: vec!["net_admin".into()],
                no_new_privs: true,
                ..ThreadState::default()
            },
            ThreadState {
                name: "parse".into(),
                count: 2,
                uid: 65_534,
                no_new_privs: true,
                seccomp_filters: 2,
                landlock: Some("full".into()),
                ..ThreadState::default()
            },
        ];
        assert_eq!(found, expected);
    }
}
