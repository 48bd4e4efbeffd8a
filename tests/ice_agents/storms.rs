//! Whatever happens to two agents and their networks: when it is over, they are together.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use pollrtc::ice::{IceState, Role};
use pollrtc::rng::Rng;

use crate::support::{A, B, World, addr, ms};

/// What the network does to datagrams now.
#[derive(Default)]
struct Weather {
    is_cut: bool,
    /// Addresses that nobody can reach.
    dead: Vec<SocketAddr>,
}

struct Storm {
    world: World,
    rng: Rng,
    weather: Rc<RefCell<Weather>>,
    addresses: [Vec<String>; 2],
    count: u32,
    log: Vec<String>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut world = World::pair(seed);
        let weather = Rc::new(RefCell::new(Weather::default()));
        let now = Rc::clone(&weather);
        world.mangle = Some(Box::new(move |_, flight| {
            let weather = now.borrow();
            let is_dead = [flight.from, flight.to]
                .iter()
                .any(|at| weather.dead.contains(at));
            (!weather.is_cut && !is_dead).then_some(flight)
        }));
        Self {
            world,
            rng: Rng::from_number(seed + 1_000),
            weather,
            addresses: [vec![A.to_owned()], vec![B.to_owned()]],
            count: 0,
            log: Vec::new(),
        }
    }

    fn pick(&mut self, below: usize) -> usize {
        usize::try_from(self.rng.below(below as u64)).expect("small")
    }

    fn wait(&mut self, below: u64) {
        let end = self.world.now + Duration::from_millis(self.rng.below(below));
        self.world.run_until(end);
    }

    fn join(&mut self, who: usize) {
        self.count += 1;
        let address = format!("10.{}.0.{}:7000", 20 + who, self.count);
        self.world.join(who, &address);
        self.addresses[who].push(address);
    }

    fn leave(&mut self, who: usize) {
        let nth = self.pick(self.addresses[who].len());
        let address = self.addresses[who].remove(nth);
        self.world.leave(who, &address);
    }

    fn restart(&mut self) {
        for index in 0..2 {
            assert_eq!(self.world.agent(index).restart(), Ok(()));
            self.world.agent(index).gather();
            self.wait(100);
        }
        self.world.introduce();
    }

    fn step(&mut self) {
        let who = self.pick(2);
        let what = self.pick(12);
        self.log.push(format!("{} {who} {what}", self.world.now));
        match what {
            0 | 1 => self.join(who),
            2 => {
                self.join(who);
                self.wait(3_000);
                self.leave(who);
            }
            3 => {
                self.leave(who);
                self.wait(3_000);
                self.join(who);
            }
            4 => self.restart(),
            5 => {
                let _ = self.world.agent(who).restart();
                self.world.agent(who).gather();
                self.wait(2_000);
                assert!(self.world.agent(who).cancel_restart());
            }
            6 => {
                let role = self.world.agent(who).role();
                self.world.agent(who).set_role(role.opposite());
            }
            7 => {
                self.weather.borrow_mut().is_cut = true;
                self.wait(15_000);
                self.weather.borrow_mut().is_cut = false;
            }
            8 if self.addresses[who].len() > 1 => {
                let nth = self.pick(self.addresses[who].len());
                let dead = addr(&self.addresses[who][nth]);
                self.weather.borrow_mut().dead = vec![dead];
                self.wait(15_000);
                self.weather.borrow_mut().dead.clear();
            }
            9 => {
                let agreed = self.pick(2) == 0;
                for index in 0..2 {
                    self.world.agent(index).set_renomination(agreed);
                }
            }
            _ => {}
        }
        while self.addresses[who].len() > 4 {
            self.leave(who);
        }
    }
}

#[test]
fn whatever_happens_they_end_together_for_any_seed() {
    for seed in 0..500 {
        let mut storm = Storm::new(seed);
        storm.world.loss = seed % 3 * 100;
        storm.world.jitter = Duration::from_millis(seed % 5 * 20);
        while storm.world.now < ms(90_000) {
            storm.step();
            storm.wait(6_000);
        }
        storm.world.loss = 0;
        storm.weather.borrow_mut().dead.clear();
        storm.wait(1);
        let has_failed =
            |storm: &Storm| (0..2).any(|who| storm.world.state(who) == IceState::Failed);
        if has_failed(&storm) {
            storm.restart();
        }
        let end = storm.world.now + Duration::from_secs(12);
        storm.world.run_until(end);
        let context = format!("seed {seed}: {:?}", storm.log);
        let world = &mut storm.world;
        for index in 0..2 {
            let state = world.state(index);
            assert!(state.is_connected(), "{context}: {index} is {state}");
        }
        let roles = [0, 1].map(|index| world.agent(index).role());
        assert_ne!(roles[0], roles[1], "{context}");
        assert!(roles.contains(&Role::Controlling));
        let paths = [0, 1].map(|index| {
            let pair = world.agent(index).selected_pair();
            pair.expect(&context).path
        });
        assert_eq!(paths[0].local, paths[1].remote, "{context}");
        assert_eq!(paths[0].remote, paths[1].local, "{context}");
        for index in 0..2 {
            world.agents[1 - index].data.clear();
            assert!(world.send_data(index, b"\x80hi"), "{context}");
        }
        let end = world.now + Duration::from_secs(1);
        world.run_until(end);
        for peer in &world.agents {
            assert_eq!(peer.data, [b"\x80hi"], "{context}");
        }
    }
}
