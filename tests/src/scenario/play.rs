//! Plays a scenario: actors in the order of time, their requests as packets. Must not know how it is judged.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use super::{
    actor::{Act, Actor},
    dice::Dice,
    message::{self, Frame},
    stage::{Stage, micros},
    wire::{Connection, Wire},
    world::Call,
};

/// Where the API is.
pub const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 10)), 8080);

/// Takes in what is played.
pub trait Screen {
    /// A client opens a connection on behalf of this actor.
    fn connects(&mut self, client: SocketAddr, actor: u32);
    /// A frame passes, microseconds since the epoch.
    fn frame(&mut self, at_us: u64, bytes: &[u8]);
}

/// Plays it to the end. How many requests were sent.
pub fn play(stage: &mut Stage<'_>, seed: u64, screen: &mut impl Screen) -> u64 {
    let mut show = Show {
        wire: Wire::default(),
        ports: HashMap::new(),
        dice: Dice::of(seed, "latency"),
        request: String::new(),
        answer: String::new(),
        sent: 0,
    };
    let mut order: BinaryHeap<_> = (0_u32..)
        .zip(&stage.actors)
        .map(|(at, (begins, _))| Reverse((*begins, at)))
        .collect();
    while let Some(Reverse((now_us, at))) = order.pop() {
        while let Some(frame) = show.wire.due(now_us) {
            screen.frame(frame.at_us, &frame.bytes);
        }
        let Some((_, actor)) = stage.actors.get_mut(at as usize) else {
            continue;
        };
        let gap = match actor.act(&mut stage.world, now_us) {
            Act::Over => {
                for connection in &mut actor.connections {
                    connection.close(&mut show.wire, now_us + 1_000_000);
                }
                continue;
            }
            Act::Pause(gap) => micros(gap),
            Act::Send(mut call, twice, gap) => {
                let failing = stage
                    .outages
                    .iter()
                    .any(|(from, to)| (*from..*to).contains(&now_us));
                if failing && show.dice.chance(0.4) {
                    call.forced = Some(503);
                }
                let frame = Frame {
                    program: &actor.program.clone(),
                    twice,
                    forwarded: None,
                };
                let over = show.send(
                    stage.proxy,
                    at,
                    actor,
                    &mut stage.world,
                    &call,
                    frame,
                    now_us,
                    screen,
                );
                // People and programs wait for the answer before they go on.
                micros(gap).max(over.saturating_sub(now_us).min(60_000))
            }
        };
        order.push(Reverse((now_us + gap.max(1), at)));
    }
    while let Some(frame) = show.wire.due(u64::MAX) {
        screen.frame(frame.at_us, &frame.bytes);
    }
    show.sent
}

struct Show {
    wire: Wire,
    ports: HashMap<IpAddr, u16>,
    dice: Dice,
    request: String,
    answer: String,
    sent: u64,
}

impl Show {
    #[expect(
        clippy::too_many_arguments,
        reason = "all of them different things about one request"
    )]
    fn send(
        &mut self,
        proxy: Option<IpAddr>,
        number: u32,
        actor: &mut Actor,
        world: &mut super::world::World<'_>,
        call: &Call,
        mut frame: Frame<'_>,
        now_us: u64,
        screen: &mut impl Screen,
    ) -> u64 {
        let Some(addr) = actor.address() else {
            return now_us;
        };
        frame.forwarded = proxy.is_some().then_some(addr);
        self.request.clear();
        message::request(&mut self.request, call, world, frame);
        let reply = world.answer(call, now_us);
        self.answer.clear();
        message::answer(&mut self.answer, &reply);
        let latency_us = micros(self.dice.between(0.003, 0.06));
        let at = self.connection(proxy.unwrap_or(addr), number, actor, now_us, screen);
        self.sent += 1;
        let Some(connection) = actor.connections.get_mut(at) else {
            return now_us;
        };
        connection.exchange(
            &mut self.wire,
            now_us,
            self.request.as_bytes(),
            self.answer.as_bytes(),
            latency_us,
        )
    }

    /// A connection from this address that is free, else a new one.
    fn connection(
        &mut self,
        addr: IpAddr,
        number: u32,
        actor: &mut Actor,
        now_us: u64,
        screen: &mut impl Screen,
    ) -> usize {
        for connection in &mut actor.connections {
            if connection.is_stale(now_us) {
                connection.close(&mut self.wire, now_us);
            }
        }
        actor
            .connections
            .retain(|connection| connection.free_us == 0 || connection.is_open());
        let known = actor.connections.iter().filter(|c| c.client.ip() == addr).count();
        let free = actor.connections.iter().position(|c| {
            c.client.ip() == addr && (c.free_us <= now_us || known >= actor.program.connections)
        });
        if let Some(at) = free {
            return at;
        }
        if actor.connections.len() >= 8 {
            let mut oldest = actor.connections.remove(0);
            oldest.close(&mut self.wire, now_us);
        }
        let port = self.ports.entry(addr).or_insert(20_000);
        *port = if *port >= 60_000 { 20_000 } else { *port + 1 };
        let client = SocketAddr::new(addr, *port);
        screen.connects(client, number);
        actor.connections.push(Connection::new(client, SERVER));
        actor.connections.len() - 1
    }
}
