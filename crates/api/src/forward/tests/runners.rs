//! Several runners, several accounts.

use iteratione_common::{ids::UserId, store::PgPool};
use jiff::ToSpan as _;
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use super::{AGREED, Judge, head_of, listener, upgrade, within};

/// Opens a terminal of an account, and says which runner got it.
async fn at(judge: &Judge, account: UserId, runners: [&TcpListener; 2]) -> usize {
    let (_, ticket) = judge.state.tickets.issue(account, judge.state.clock.now() + 10.minutes());
    let mut browser = judge.connect().await;
    let path = format!("/ws/run?x=1&ticket={ticket}");
    browser.write_all(upgrade(&path).as_bytes()).await.expect("asks");
    let accepted = async {
        tokio::select! {
            first = runners[0].accept() => (0, first),
            second = runners[1].accept() => (1, second),
        }
    };
    let (which, stream) = within("the API at a runner", accepted).await;
    let (mut stream, _) = stream.expect("accepts");
    let head = head_of(&mut stream).await;
    assert!(head.contains(&path), "{head}");
    stream.write_all(AGREED.as_bytes()).await.expect("agrees");
    head_of(&mut browser).await;
    which
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn an_account_comes_back_to_its_runner_and_all_runners_are_used(pg: PgPool) {
    let ((first, a), (second, b)) = (listener().await, listener().await);
    let both = format!("http://{a},http://{b}");
    let judge = Judge::before(a, pg, &[("ITERATIONE_API__RUNNER_URL", &both)]).await;
    let mut used = [false, false];
    while used != [true, true] {
        let account = UserId::new();
        let which = at(&judge, account, [&first, &second]).await;
        assert_eq!(at(&judge, account, [&first, &second]).await, which);
        used[which] = true;
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn while_one_runner_is_away_its_accounts_go_to_another(pg: PgPool) {
    let ((first, a), (second, _)) = (listener().await, listener().await);
    // Port 9 of the loopback: nobody listens there.
    let one_away = format!("http://127.0.0.1:9,http://{a}");
    let judge = Judge::before(a, pg, &[("ITERATIONE_API__RUNNER_URL", &one_away)]).await;
    for _ in 0..10 {
        assert_eq!(at(&judge, UserId::new(), [&first, &second]).await, 0);
    }
}
