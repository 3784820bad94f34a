//! What honest programs see.

use std::collections::BTreeMap;

use iteratione_harness::protocol::{FromHarness, PROTOCOL_VERSION, Role, Stop, ToHarness};

use crate::support::{Jail, Options, perl, program, sh};

#[test]
fn it_says_hello_with_its_version_and_the_cgroup_it_measures_with() {
    let jail = Jail::start();
    assert_eq!(jail.hello.version, PROTOCOL_VERSION);
    assert!(matches!(jail.hello.cgroup, 1 | 2), "no cgroup can be read in the jail");
}

#[test]
fn output_and_exit_code_come_back() {
    let mut jail = Jail::start();
    let run = jail.run(sh("echo out; echo err >&2; exit 7"));
    assert_eq!((run.stdout, run.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
    let result = run.result;
    assert_eq!((result.exit_code, result.signal, result.stop), (Some(7), None, None));
    assert_eq!((result.oom_kills, result.survivors, result.spawn_error), (0, 0, None));
    assert!(result.wall_us > 0 && result.cpu_us > 0 && result.memory_bytes > 100_000, "{:?}", jail.hello);
}

#[test]
fn a_signal_that_ends_the_program_is_told() {
    let mut jail = Jail::start();
    for signal in [libc::SIGSEGV, libc::SIGKILL, libc::SIGTERM, libc::SIGPIPE] {
        let result = jail.run(sh(&format!("kill -{signal} $$"))).result;
        assert_eq!((result.exit_code, result.signal, result.stop), (None, Some(signal), None));
        assert_eq!(result.oom_kills, 0, "a SIGKILL is not an OOM kill");
    }
}

#[test]
fn five_megabytes_go_in_and_come_out_unchanged() {
    let mut jail = Jail::start();
    let sent: Vec<u8> = (0..5_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut cat = program(&["cat"]);
    cat.limits.output_bytes = sent.len() as u64;
    let run = jail.exec(cat, &sent);
    assert!(run.stdout == sent, "{} bytes", run.stdout.len());
    assert_eq!((run.result.exit_code, run.result.stop), (Some(0), None));
}

#[test]
fn input_that_the_program_does_not_read_is_dropped() {
    let mut jail = Jail::start();
    let input = vec![b'x'; 5_000_000];
    assert_eq!(jail.exec(sh("exit 3"), &input).result.exit_code, Some(3));
    assert_eq!(jail.exec(sh("head -c 5; exec <&-; exit 4"), &input).result.exit_code, Some(4));
    assert_eq!(jail.run(sh("wc -c")).text().trim(), "0", "nothing of it reaches the next program");
}

#[test]
fn programs_may_open_their_standard_streams_by_name() {
    let mut jail = Jail::start();
    let run = jail.exec(sh("cat /dev/stdin >/dev/stdout; echo x >/dev/stderr"), b"by name\n");
    assert_eq!((run.text().as_str(), run.stderr), ("by name\n", b"x\n".to_vec()));
}

#[test]
fn a_program_sees_its_request_and_nothing_of_the_harness() {
    let mut jail = Jail::start();
    let mut request = sh("id -u; id -G; pwd; env | sort; umask; ulimit -c; ulimit -n; ls /proc/self/fd | wc -l");
    request.env.insert("LANG".to_owned(), "C.UTF-8".to_owned());
    let run = jail.run(request);
    let path = crate::support::PATH;
    // Descriptor 3 is `ls` reading the folder.
    assert_eq!(
        run.text(),
        format!("10001\n10001\n/scratch\nLANG=C.UTF-8\nPATH={path}\nPWD=/scratch\n0022\n0\n128\n4\n")
    );
    let status = jail.run(sh("grep -E '^(Cap|NoNewPrivs|Seccomp:|SigBlk|SigIgn)' /proc/self/status"));
    for line in status.text().lines() {
        let (name, value) = line.split_once(":\t").expect("a status line");
        match name {
            // What could be had again by a set-uid program, but for NoNewPrivs.
            "CapBnd" => {}
            "NoNewPrivs" => assert_eq!(value, "1"),
            "Seccomp" => assert_eq!(value, "2"),
            _ => assert_eq!(value, "0000000000000000", "{name}"),
        }
    }
}

#[test]
fn a_compiler_writes_the_build_folder_and_a_program_cannot() {
    let mut jail = Jail::start();
    let mut compiler = sh("id -u; echo made >/build/x");
    compiler.role = Role::Compiler;
    assert_eq!(jail.run(compiler).text(), "10002\n");
    assert!(jail.clean().clean);
    let run = jail.run(sh("cat /build/x; echo y >/build/x || touch /build/z || echo refused"));
    assert_eq!(run.text(), "made\nrefused\n");
}

#[test]
fn a_program_that_cannot_be_started_is_told_in_words() {
    let mut jail = Jail::start();
    let mut nowhere = program(&["true"]);
    nowhere.cwd = "/nowhere".to_owned();
    let mut no_path = program(&["true"]);
    no_path.env = BTreeMap::from([("PATH".to_owned(), "/nothing".to_owned())]);
    for (request, why) in [
        (program(&["no-such-program"]), "cannot run no-such-program: No such file or directory"),
        (program(&["/etc/passwd"]), "cannot run /etc/passwd: Permission denied"),
        (program(&[]), "no program given"),
        (program(&["a\0b"]), "contains a NUL"),
        (nowhere, "cannot enter the folder /nowhere: No such file or directory"),
        (no_path, "cannot run true: No such file or directory"),
    ] {
        let result = jail.exec(request, b"input").result;
        assert_eq!((result.exit_code, result.signal), (None, None));
        let error = result.spawn_error.expect("not started");
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(jail.run(sh("exit 5")).result.exit_code, Some(5));
}

#[test]
fn kill_ends_a_program_and_does_nothing_when_there_is_none() {
    let mut jail = Jail::start();
    jail.send(&ToHarness::Kill);
    jail.send(&ToHarness::Exec(sh("trap '' TERM INT; echo up; sleep 1000 & wait")));
    assert_eq!(jail.receive(), FromHarness::Stdout(b"up\n".to_vec()));
    jail.send(&ToHarness::Kill);
    let result = jail.finish().result;
    assert_eq!((result.stop, result.signal), (Some(Stop::Killed), Some(libc::SIGKILL)));
    jail.send(&ToHarness::StdinEnd);
    jail.send(&ToHarness::Kill);
    assert_eq!(jail.run(sh("exit 6")).result.exit_code, Some(6));
}

#[test]
fn a_dialogue_goes_back_and_forth() {
    let mut jail = Jail::start();
    jail.send(&ToHarness::Exec(perl("$| = 1; while (<STDIN>) { print \"you said $_\" } print \"bye\\n\"")));
    for word in ["one\n", "two\n", "three\n"] {
        jail.send(&ToHarness::Stdin(word.as_bytes().to_vec()));
        assert_eq!(jail.receive(), FromHarness::Stdout(format!("you said {word}").into_bytes()));
        jail.send(&ToHarness::Ping);
        assert_eq!(jail.receive(), FromHarness::Pong);
    }
    jail.send(&ToHarness::StdinEnd);
    assert_eq!(jail.finish().text(), "bye\n");
}

#[test]
fn it_ends_when_the_host_hangs_up_also_in_the_middle_of_a_program() {
    let mut jail = Jail::start();
    jail.send(&ToHarness::Exec(sh("echo up; sleep 1000")));
    assert_eq!(jail.receive(), FromHarness::Stdout(b"up\n".to_vec()));
    assert_eq!(jail.hang_up().code(), Some(0));
}

#[test]
fn it_runs_in_the_images_of_the_languages_too() {
    let images = std::process::Command::new("docker")
        .args(["image", "ls", "--filter", "reference=iteratione/*", "--format", "{{.Repository}}:{{.Tag}}"])
        .output()
        .expect("the docker command line client");
    assert!(images.status.success(), "{}", String::from_utf8_lossy(&images.stderr));
    for image in String::from_utf8_lossy(&images.stdout).lines() {
        let image: &'static str = image.to_owned().leak();
        let mut jail = Jail::with(Options { image, ..Options::default() });
        assert_eq!(jail.run(sh("echo hello")).text(), "hello\n", "{image}");
        jail.is_as_new();
    }
}
