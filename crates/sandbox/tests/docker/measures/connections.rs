//! Programs that talk to themselves over the loopback cost no jail.

use crate::support::{Site, program, run, take};

/// A server and a client; the server closes first, which is the side that would wait for a minute.
const TALK: &str = r"
use strict; use IO::Socket::IP;
for my $host ('127.0.0.1', '::1') {
    my $listener = IO::Socket::IP->new(LocalHost => $host, LocalPort => 4000, Listen => 1) or die qq{$host: $@};
    if (!fork) {
        my $client = IO::Socket::IP->new(PeerHost => $host, PeerPort => 4000) or die;
        print <$client>;
        exit;
    }
    my $server = $listener->accept or die;
    print $server qq{met\n};
    close $server; close $listener; wait;
}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_jail_whose_program_had_connections_to_itself_is_clean_and_its_ports_are_free() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    // Without SO_REUSEADDR: the second would fail if the first had left anything at the port.
    for _ in 0..3 {
        let done = run(&mut jail, program(&["perl", "-e", TALK]), b"").await;
        assert_eq!(done.stdout, b"met\nmet\n", "{}", String::from_utf8_lossy(&done.stderr));
        assert!(jail.clean().await.expect("answers"), "proven clean");
    }
    jail.destroy().await;
    site.end(sandbox).await;
}
