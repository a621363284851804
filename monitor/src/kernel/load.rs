//! Opens the kernel side: pins, maps, programs, attachments, in that order; and closes it. Must not decide policy.

use aya::{
    Ebpf, EbpfLoader,
    maps::MapData,
    programs::{Program as Loaded, ProgramError, SchedClassifier, Xdp},
};
use monitor_common::{config::tap, names};

use super::{
    Attachment, Counters, Detached, KeepShield, KernelError, KernelSettings, Leases, Mode, NeverBlock,
    Program, Sources, Switches, TapRing, Trial, Warning, adopt,
    attach::{HeldEgress, HeldShield, HeldTap},
    bpffs, hooks,
    maps::{Config, LeaseMaps, another, error_chain},
    object, pins,
    probe::{self, Interface},
    trial,
};
use crate::time::Clock;

/// The kernel side, loaded and attached. Dropping it takes the tap down and leaves the shield in place, as a crash of
/// the daemon does; [`Kernel::detach`] is the clean end.
#[derive(Debug)]
pub struct Kernel {
    ebpf: Ebpf,
    pin_dir: std::path::PathBuf,
    maps: Maps,
    config: Config,
    attachments: Vec<Attachment>,
    shields: Vec<(String, HeldShield)>,
    egresses: Vec<(String, HeldEgress)>,
    taps: Vec<(String, HeldTap)>,
    rings: Vec<TapRing>,
    use_tcx: bool,
}

#[derive(Debug)]
struct Maps {
    leases: Leases,
    never_block: MapData,
    sources_v4: MapData,
    sources_v6: MapData,
    counters: MapData,
    tap_ports: MapData,
}

/// What opening gave.
#[derive(Debug)]
pub struct Opened {
    /// The handle.
    pub kernel: Kernel,
    /// What is not as asked.
    pub warnings: Vec<Warning>,
    /// What an earlier daemon left.
    pub adopted: Adopted,
}

/// What an earlier daemon left, and this one took over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Adopted {
    /// Leases that were in the pinned map, ended ones included.
    pub leases: usize,
    /// Shield links whose program was replaced in place.
    pub links: usize,
}

impl Kernel {
    /// Loads the programs, adopts what is pinned, and attaches to every interface of the settings. Fails as a whole:
    /// what was newly attached on the way is taken off again.
    pub fn open(settings: &KernelSettings) -> Result<Opened, KernelError> {
        check(settings)?;
        let object = object::bytes()?;
        let mut interfaces = settings
            .interfaces
            .iter()
            .map(|name| probe::interface(name))
            .collect::<Result<Vec<_>, _>>()?;
        // The kernel refuses a port whose bridge or bond has a program already, and takes them the other way round.
        interfaces.sort_by_key(|interface| interface.master.is_none());
        let pin_dir = bpffs::ensure(&settings.pin_dir)?;
        let settings = &KernelSettings {
            pin_dir,
            ..settings.clone()
        };
        let aside = adopt::set_aside_misfits(&settings.pin_dir)?;
        let mut ebpf = load_object(object, settings)?;
        load_programs(&mut ebpf)?;
        let rings = take_rings(&mut ebpf, settings)?;
        let config = Config::new(take(&mut ebpf, names::MAP_CONFIG)?)?;
        let mut leases = Leases::new(&take_lease_maps(&mut ebpf)?)?;
        let mut warnings = adopt::carry_over(aside, &settings.pin_dir, &mut leases)?;
        let maps = Maps {
            leases,
            never_block: take(&mut ebpf, names::MAP_NEVER_BLOCK)?,
            sources_v4: take(&mut ebpf, names::MAP_SOURCES_V4)?,
            sources_v6: take(&mut ebpf, names::MAP_SOURCES_V6)?,
            counters: take(&mut ebpf, names::MAP_COUNTERS)?,
            tap_ports: take(&mut ebpf, names::MAP_TAP_PORTS)?,
        };
        let mut adopted = Adopted {
            leases: maps.leases.list().len(),
            links: 0,
        };
        let mut kernel = Self {
            ebpf,
            pin_dir: settings.pin_dir.clone(),
            maps,
            config,
            attachments: Vec::new(),
            shields: Vec::new(),
            egresses: Vec::new(),
            taps: Vec::new(),
            rings,
            use_tcx: settings.use_tcx,
        };
        kernel.configure(settings)?;
        for interface in &interfaces {
            if let Err(error) = kernel.attach(interface, &mut warnings) {
                kernel.take_off_new();
                return Err(error);
            }
        }
        adopted.links = kernel.shields.iter().filter(|(_, shield)| shield.adopted).count();
        Ok(Opened {
            kernel,
            warnings,
            adopted,
        })
    }

    /// Tells the programs what to do, before they see the first packet.
    fn configure(&self, settings: &KernelSettings) -> Result<(), KernelError> {
        self.switches()?.set_tapped(&settings.tapped)?;
        self.config.change(|config| {
            config.mode = settings.mode.to_wire();
            config.tap_shards = settings.tap_shards;
            config.set_tap_bit(tap::ON, true);
            config.never_block_generation = config.never_block_generation.max(1);
        })
    }

    fn attach(&mut self, interface: &Interface, warnings: &mut Vec<Warning>) -> Result<(), KernelError> {
        let links = pins::links_dir(&self.pin_dir);
        std::fs::create_dir_all(&links).map_err(|source| KernelError::Pin {
            operation: "creating",
            path: links,
            source,
        })?;
        let shield = HeldShield::attach(
            xdp(&mut self.ebpf, interface.ethernet)?,
            interface,
            &self.pin_dir,
            warnings,
        )?;
        let mode = shield.mode;
        self.shields.push((interface.name.clone(), shield));
        // Before the tap, so that the tap does not read what is not sent.
        if let Some(egress) =
            HeldEgress::attach(&mut self.ebpf, interface, &self.pin_dir, self.use_tcx, warnings)?
        {
            self.egresses.push((interface.name.clone(), egress));
        }
        let held = self.taps.iter().position(|(name, _)| *name == interface.name);
        let tap = match held {
            Some(place) => self.taps.swap_remove(place).1,
            None => HeldTap::attach(&mut self.ebpf, interface, self.use_tcx, warnings)?,
        };
        self.attachments.push(Attachment {
            interface: interface.name.clone(),
            ifindex: interface.index,
            shield: mode,
            tap: tap.mode,
        });
        self.taps.push((interface.name.clone(), tap));
        Ok(())
    }

    /// Puts shield and tap on an interface of the settings again: it was made anew, or something took them off. A link
    /// that is still in its place is kept.
    pub fn reattach(&mut self, name: &str) -> Result<Vec<Warning>, KernelError> {
        let interface = probe::interface(name)?;
        // A tap that somebody took off is of no use, though it is held.
        let tapped = hooks::hooks(name, interface.index).is_none_or(|hooks| hooks.tap != Some(false));
        self.taps
            .retain(|(held, tap)| held != name || (tapped && tap.ifindex == interface.index));
        self.shields.retain(|(held, _)| held != name);
        self.egresses.retain(|(held, _)| held != name);
        let place = self.attachments.iter().position(|held| held.interface == name);
        let mut warnings = Vec::new();
        self.attach(&interface, &mut warnings)?;
        // The new one stands where the old one stood.
        if let Some(place) = place {
            self.attachments.swap_remove(place);
        }
        self.attachments.sort_by_key(|held| held.ifindex);
        Ok(warnings)
    }

    /// Where the maps and links are pinned, as this process reaches it.
    pub fn pin_dir(&self) -> &std::path::Path {
        &self.pin_dir
    }

    /// Undoes what this start attached; what it adopted stays.
    fn take_off_new(&mut self) {
        for (interface, shield) in self.shields.drain(..).filter(|(_, shield)| !shield.adopted) {
            // The error that led here is the one to be told.
            let _ = shield.remove(&pins::link_path(&self.pin_dir, &interface));
        }
        for (interface, egress) in self.egresses.drain(..).filter(|(_, egress)| !egress.adopted) {
            let _ = egress.remove(&interface, &self.pin_dir);
        }
    }

    /// What is attached where.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// The rings, one a shard, in shard order. They can be had once: each belongs to its reader.
    pub fn take_rings(&mut self) -> Vec<TapRing> {
        std::mem::take(&mut self.rings)
    }

    /// A handle of the leases.
    pub fn leases(&self) -> Leases {
        self.maps.leases.clone()
    }

    /// A handle of the never-block set.
    pub fn never_block(&self) -> Result<NeverBlock, KernelError> {
        NeverBlock::new(
            another(&self.maps.never_block, names::MAP_NEVER_BLOCK)?,
            self.config.clone(),
            self.leases(),
        )
    }

    /// A handle of the source counts.
    pub fn sources(&self) -> Result<Sources, KernelError> {
        Sources::new(&self.maps.sources_v4, &self.maps.sources_v6, self.leases())
    }

    /// A handle of the counters.
    pub fn counters(&self) -> Result<Counters, KernelError> {
        Counters::new(another(&self.maps.counters, names::MAP_COUNTERS)?)
    }

    /// A handle of mode, ports and the tap's switch.
    pub fn switches(&self) -> Result<Switches, KernelError> {
        Switches::new(
            self.config.clone(),
            another(&self.maps.tap_ports, names::MAP_TAP_PORTS)?,
        )
    }

    /// Runs a program `repeat` times on one packet, in the kernel, with the maps as they are.
    pub fn try_packet(&mut self, program: Program, packet: &[u8], repeat: u32) -> Result<Trial, KernelError> {
        trial::run(&mut self.ebpf, program, packet, repeat)
    }

    /// Takes the tap down, and the shield as `keep` says.
    pub fn detach(mut self, keep: KeepShield) -> Result<Detached, KernelError> {
        self.taps.clear();
        self.config.change(|config| config.set_tap_bit(tap::ON, false))?;
        let kept = match keep {
            KeepShield::WhileLeased => self.running_leases()?,
            KeepShield::Never => 0,
        };
        if kept > 0 {
            return Ok(Detached {
                kept_for_leases: kept,
                ..Detached::default()
            });
        }
        let mut detached = Detached::default();
        for (interface, egress) in self.egresses.drain(..) {
            egress.remove(&interface, &self.pin_dir)?;
        }
        for (interface, shield) in self.shields.drain(..) {
            shield.remove(&pins::link_path(&self.pin_dir, &interface))?;
            detached.shields_removed += 1;
        }
        // Also those of interfaces that an earlier daemon guarded and this one did not.
        let rest = pins::remove_all(&self.pin_dir)?;
        detached.shields_removed += rest.shields_removed;
        detached.maps_removed = rest.maps_removed;
        Ok(detached)
    }

    /// Leases that stop packets now.
    fn running_leases(&self) -> Result<usize, KernelError> {
        if Mode::from_wire(self.config.read()?.mode) != Mode::Enforce {
            return Ok(0);
        }
        let now_ns = Clock.monotonic_ns();
        let leases = self.leases().list();
        Ok(leases.iter().filter(|lease| lease.runs(now_ns)).count())
    }
}

/// What the rest relies on.
fn check(settings: &KernelSettings) -> Result<(), KernelError> {
    let shards = settings.tap_shards;
    if !shards.is_power_of_two() || shards > names::TAP_SHARDS_MAX {
        return Err(KernelError::Setting {
            setting: "tap_shards",
            reason: format!("{shards} is not a power of two up to {}", names::TAP_SHARDS_MAX),
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    match settings.interfaces.iter().find(|name| !seen.insert(*name)) {
        Some(twice) => Err(KernelError::Setting {
            setting: "interfaces",
            reason: format!("{twice} is named twice"),
        }),
        None => Ok(()),
    }
}

/// Makes the maps, or takes the pinned ones, and binds the programs to them.
fn load_object(object: &[u8], settings: &KernelSettings) -> Result<Ebpf, KernelError> {
    /// The kernel refuses a ring of none; a shard that is not used has the smallest.
    const UNUSED_RING_BYTES: u32 = 4096;
    let mut loader = EbpfLoader::new();
    // The programs ask for no kernel structure, so the kernel's own type information need not be read.
    loader.btf(None);
    for shape in adopt::pinned()? {
        loader.map_pin_path(shape.name, pins::map_path(&settings.pin_dir, shape.name));
        loader.map_max_entries(shape.name, shape.max_entries);
    }
    for (shard, name) in (0..).zip(names::MAP_TAP_RINGS) {
        let used = shard < settings.tap_shards;
        loader.map_max_entries(
            name,
            if used {
                settings.ring_bytes
            } else {
                UNUSED_RING_BYTES
            },
        );
    }
    loader.load(object).map_err(|error| {
        if is_privilege(&error) {
            KernelError::Privilege {
                operation: "creating the kernel maps",
            }
        } else {
            KernelError::Load {
                program: "all of them",
                reason: error_chain(&error),
            }
        }
    })
}

fn load_programs(ebpf: &mut Ebpf) -> Result<(), KernelError> {
    let refused = |program: &'static str| {
        move |error: ProgramError| {
            if is_privilege(&error) {
                KernelError::Privilege {
                    operation: "loading the kernel programs",
                }
            } else {
                KernelError::Load {
                    program,
                    reason: tail(&error_chain(&error)),
                }
            }
        }
    };
    for (name, ethernet) in [(names::PROG_SHIELD, true), (names::PROG_SHIELD_IP, false)] {
        xdp(ebpf, ethernet)?.load().map_err(refused(name))?;
    }
    for name in [
        names::PROG_SHIELD_EGRESS,
        names::PROG_TAP_INGRESS,
        names::PROG_TAP_EGRESS,
    ] {
        classifier(ebpf, name)?.load().map_err(refused(name))?;
    }
    Ok(())
}

/// The end of a verifier's log, which says what was wrong; all of it is thousands of lines.
fn tail(text: &str) -> String {
    const LINES: usize = 12;
    let lines: Vec<_> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(LINES)..)
        .unwrap_or_default()
        .join("\n")
}

fn is_privilege(error: &(dyn std::error::Error + 'static)) -> bool {
    let denied = [rustix::io::Errno::PERM, rustix::io::Errno::ACCESS].map(|errno| Some(errno.raw_os_error()));
    // The verifier says EACCES too; then there is a log. Without privilege it is never asked.
    denied.contains(&super::attach::errno(error)) && !rustix::process::geteuid().is_root()
}

fn take_rings(ebpf: &mut Ebpf, settings: &KernelSettings) -> Result<Vec<TapRing>, KernelError> {
    let readers = take(ebpf, names::MAP_TAP_READERS)?;
    let skips = take(ebpf, names::MAP_TAP_SKIPS)?;
    let shards = (0..settings.tap_shards).zip(names::MAP_TAP_RINGS);
    shards
        .map(|(shard, name)| {
            let readers = another(&readers, names::MAP_TAP_READERS)?;
            let skips = another(&skips, names::MAP_TAP_SKIPS)?;
            TapRing::new(shard, take(ebpf, name)?, readers, skips)
        })
        .collect()
}

fn take_lease_maps(ebpf: &mut Ebpf) -> Result<LeaseMaps, KernelError> {
    Ok(LeaseMaps {
        leased: take(ebpf, names::MAP_LEASED)?,
        v4: take(ebpf, names::MAP_LEASES_V4)?,
        v6: take(ebpf, names::MAP_LEASES_V6)?,
        few_v4: take(ebpf, names::MAP_FEW_LEASES_V4)?,
        few_v6: take(ebpf, names::MAP_FEW_LEASES_V6)?,
        net_v4: take(ebpf, names::MAP_NET_LEASES_V4)?,
        net_v6: take(ebpf, names::MAP_NET_LEASES_V6)?,
        about: take(ebpf, names::MAP_LEASE_ABOUT)?,
        hits: take(ebpf, names::MAP_LEASE_HITS)?,
        nets_v4: take(ebpf, names::MAP_NETS_V4)?,
        nets_v6: take(ebpf, names::MAP_NETS_V6)?,
    })
}

fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<MapData, KernelError> {
    ebpf.take_map(name)
        .and_then(adopt::data)
        .ok_or_else(|| KernelError::Map {
            map: name,
            operation: "finding it",
            reason: "it is not in the kernel object".to_owned(),
        })
}

/// The shield's program for interfaces with an Ethernet header, or for those without.
fn xdp(ebpf: &mut Ebpf, ethernet: bool) -> Result<&mut Xdp, KernelError> {
    program(
        ebpf,
        if ethernet {
            names::PROG_SHIELD
        } else {
            names::PROG_SHIELD_IP
        },
    )
}

/// One of the tap's programs.
pub(super) fn classifier<'a>(
    ebpf: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut SchedClassifier, KernelError> {
    program(ebpf, name)
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<P, KernelError>
where
    P: TryFrom<&'a mut Loaded>,
{
    ebpf.program_mut(name)
        .and_then(|program| P::try_from(program).ok())
        .ok_or_else(|| KernelError::Load {
            program: name,
            reason: "it is not in the kernel object".to_owned(),
        })
}
