//! Everything at once, at random: no group stands still for ever, and the same seed is the same story.

use super::*;

/// One storm; returns the events that its members saw, in words.
fn storm(seed: u64, protocol: Protocol) -> Vec<String> {
    let settings = Settings { latency: 2 * SECOND, short_polls: 200, prefetch: 8, ..Settings::default() };
    let cluster = Cluster::new(seed, settings);
    cluster.create_topic("t", 5);
    let mut rng = Rng::new(!seed);
    let mut members: Vec<Member> = Vec::new();
    let mut story = Vec::new();
    for _ in 0..150 {
        match rng.below(12) {
            0 if members.len() < 4 => members.push(Member::new(&cluster, protocol)),
            1 if !members.is_empty() => drop(members.remove(rng.below(members.len()))),
            2 if !members.is_empty() => {
                let member = members.remove(rng.below(members.len()));
                cluster.crash(member.id);
            }
            3 => cluster.rebalance(GROUP),
            4 if !members.is_empty() => cluster.lose(members[rng.below(members.len())].id),
            5 => cluster.down(rng.chance(300)),
            6 => cluster.add_partitions("t", usize::from(rng.chance(100))),
            7 if rng.chance(100) => cluster.recreate_topic("t", 5),
            _ => put(&cluster, i32::try_from(rng.below(5)).unwrap(), rng.below(20)),
        }
        cluster.advance(cluster.now() + Duration::from_secs(rng.below(30) as u64));
        for member in &mut members {
            if rng.chance(800) {
                member.run();
            }
            story.append(&mut member.told);
        }
    }
    cluster.down(false);
    let mut all: Vec<&mut Member> = members.iter_mut().collect();
    pass(&mut all, 600);
    if members.is_empty() {
        cluster.advance(cluster.now() + 600 * SECOND);
    }
    assert!(cluster.is_settled(), "seed {seed}, {protocol:?}, {} members: {story:?}", members.len());
    if !members.is_empty() {
        let mut owned: Vec<_> = members.iter().flat_map(|member| cluster.owned(member.id)).collect();
        owned.sort();
        let partitions =
            members[0].broker.remote().partitions(&[Topics::Named(vec!["t".into()])], SECOND).unwrap();
        assert_eq!(owned, partitions, "seed {seed}, {protocol:?}");
    }
    story
}

#[test]
fn every_storm_ends_with_each_partition_owned_once() {
    for protocol in ALL {
        for seed in 0..200 {
            storm(seed, protocol);
        }
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    for protocol in ALL {
        let story = storm(7, protocol);
        assert!(story.len() > 20, "{story:?}");
        assert_eq!(story, storm(7, protocol));
    }
}
