//! Nobody can have somebody else blocked: what has a forged source address may be read and suspected, and is never
//! dropped for.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{net::Ipv4Addr, time::Duration};

use anyhow::Context;
use apimon_tests::{
    api::Shop,
    forge::{self, End, Wire},
    scene::Scene,
    site::{HOST_V4, INTERFACE, PORT, ROUTER_INTERFACE},
    wait,
};

const VICTIM: &str = "192.0.2.11";
/// Orders asked for in the victim's name: far more than it takes to be dropped.
const ORDERS: u16 = 300;

/// Forged exchanges: `VICTIM` walks the orders of `server`, which answers 200. Both directions come from outside.
fn forged_walk(scene: &Scene, server: Ipv4Addr) -> Vec<Vec<u8>> {
    let wire = Wire {
        to: scene.host().mac(INTERFACE).unwrap(),
        from: scene.site.router.mac(ROUTER_INTERFACE).unwrap(),
        vlan: None,
    };
    let token = Shop::token(31);
    let mut frames = Vec::new();
    for number in 0..ORDERS {
        let client = End {
            addr: VICTIM.parse().unwrap(),
            port: 20_000 + number,
        };
        let server = End {
            addr: server,
            port: PORT,
        };
        let request = format!(
            "GET /api/orders/{} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\n\r\n",
            1000 + number
        );
        let response = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        frames.extend(forge::exchange(
            wire,
            client,
            server,
            request.as_bytes(),
            response,
        ));
    }
    frames
}

fn assert_victim_is_safe(tag: &str, server: Ipv4Addr) {
    let scene = Scene::open(tag, "enforce", &[VICTIM]).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let victim = scene.clients("honest", &[VICTIM], 1, 0).unwrap();
    let client = scene.apimon.client();
    scene.inject(&forged_walk(&scene, server)).unwrap();
    // Forged exchanges are read like others; without that this would prove nothing.
    wait::until_true("the forged requests to be read", Duration::from_secs(10), || {
        client
            .status()
            .is_ok_and(|status| status.totals.transactions >= u64::from(ORDERS))
    })
    .with_context(|| format!("{:#?}", client.status()))
    .unwrap();
    // The victim's own requests, some of which come after the forged ones, are answered.
    let before = client.status().unwrap().totals.transactions;
    wait::until_true(
        "honest requests after the forged",
        Duration::from_secs(10),
        || {
            client
                .status()
                .is_ok_and(|status| status.totals.transactions >= before + 5)
        },
    )
    .unwrap();
    let tally = victim.stop().unwrap().remove(0);
    assert_eq!(tally.failed, 0, "{tally:?}");
    assert_eq!(client.leases().unwrap(), [], "the victim is blocked");
    assert_eq!(client.status().unwrap().totals.dropped, 0);
    for case in client.cases().unwrap() {
        assert_ne!(case.verdict, "drop", "{case:?}");
    }
}

#[test]
fn a_forged_conversation_with_a_forged_server_blocks_nobody() {
    // The frames are addressed to the host's hardware but not to its IP address: it says nothing to them, so nothing
    // contradicts the forger.
    assert_victim_is_safe("spoof", Ipv4Addr::new(10, 77, 9, 9));
}

#[test]
fn a_forged_conversation_with_the_real_server_blocks_nobody() {
    assert_victim_is_safe("spoofreal", HOST_V4);
}
