//! A node that ends while the store says nothing any more: who waits is told what is known, which is nothing.

use std::rc::Rc;
use std::time::Duration;

use muniment::runtime::{BusError, Origin};
use muniment_aggregates::metric::Metric;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;

use crate::engine::SharedStore;
use crate::scenario::{Node, define, paused, point};

#[test]
fn what_may_be_recorded_is_not_told_to_have_done_nothing() {
    paused(async {
        let store = SharedStore::new(1, 0);
        let mut random = SmallRng::seed_from_u64(1);
        let node = Rc::new(Node::start(&store).await);
        let metric = "0".repeat(24);
        define(&node, std::slice::from_ref(&metric), &mut random).await;
        let (_, command) = point(&mut random, 0, "key".to_owned());
        let asking = Rc::clone(&node);
        let asked = tokio::task::spawn_local(async move {
            let origin = Origin::system("simulation", "record_points", None);
            asking.bus.execute::<Metric>(&metric, command, &origin).await
        });
        // The command is with the journal, whose batch the store swallows.
        tokio::time::sleep(Duration::from_micros(1)).await;
        node.engine.crash();
        tokio::time::sleep(Duration::from_millis(100)).await;
        node.journal.shutdown().await;
        let outcome = asked.await.expect("it does not panic");
        assert!(matches!(outcome, Err(BusError::Uncertain(_))), "{outcome:?}");
    });
}
