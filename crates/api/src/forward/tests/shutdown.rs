//! The service ends, with terminals open.

use std::time::Duration;

use iteratione_common::store::PgPool;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{DEADLINE, Judge, gone, listener, within};

async fn passes(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"x").await.expect("sends");
    assert_eq!(within("a byte", to.read_u8()).await.expect("reads"), b'x');
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn terminals_live_on_until_the_hard_stop_and_then_hold_nothing_up(pg: PgPool) {
    let (runner, address) = listener().await;
    let Judge { state, served, .. } = {
        let judge = Judge::before(address, pg, &[]).await;
        let (mut browser, mut at_runner) = judge.join(&runner).await;
        judge.state.lifecycle.soft.cancel();
        let refused = async {
            while TcpStream::connect(judge.address).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within("nobody new to be let in", refused).await;
        passes(&mut browser, &mut at_runner).await;
        passes(&mut at_runner, &mut browser).await;
        assert!(!judge.served.is_finished(), "it waits for its terminals");
        judge.state.lifecycle.hard.cancel();
        assert!(gone(&mut browser).await && gone(&mut at_runner).await);
        judge
    };
    within("the end of the service", served).await.expect("no panic");
    assert!(state.lifecycle.finished(DEADLINE).await, "no task is left");
    assert_eq!(state.tunnels.open(), 0);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn once_the_last_terminal_has_ended_a_stopping_service_ends_without_waiting(pg: PgPool) {
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[]).await;
    let both = judge.join(&runner).await;
    judge.state.lifecycle.soft.cancel();
    drop(both);
    within("the end of the service", judge.served).await.expect("no panic");
    assert!(judge.state.lifecycle.finished(DEADLINE).await, "no task is left");
}
