//! Stories: what two peers go through, one file for each behaviour.
//!
//! All of them are watched by the invariants of `sim::invariants`.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

#[path = "../support/talk.rs"]
mod talk;

mod closes_on_both_sides;
mod crowded_world;
mod garbage_flood;
mod hidden_addresses;
mod late_wake_up;
mod lite_server;
mod narrow_link;
mod negotiates_in_few_round_trips;
mod peer_vanishes_consent_expires;
mod rejected_data;
mod replayed_datagrams;
mod restarts;
mod slow_post;
mod spoofed_answers;
mod survives_30_percent_loss;
mod wrong_fingerprint;
