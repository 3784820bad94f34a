//! The harness goes into any image, whatever is or is not in it.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use crate::support::{Site, TestImage, compiler, program, run, take};

/// One static program and nothing else: no C library, no /tmp, no /etc. What holds here holds for Alpine.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_made_from_scratch_with_one_static_program_works_unchanged() {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|p| {
        let linked = Command::new("ldd").arg(p).output();
        linked.is_ok_and(|o| !o.status.success() || String::from_utf8_lossy(&o.stdout).contains("statically"))
            && fs::metadata(p).is_ok()
    });
    let busybox = busybox.expect("a static busybox (Debian's package busybox-static)");
    let dir = tempfile::tempdir().expect("folder");
    fs::create_dir(dir.path().join("bin")).expect("mkdir");
    fs::copy(busybox, dir.path().join("bin/busybox")).expect("copied");
    fs::set_permissions(dir.path().join("bin/busybox"), fs::Permissions::from_mode(0o755)).expect("mode");
    let image = TestImage(format!("iteratione-test/scratch:{}", uuid::Uuid::new_v4().simple()));
    image.rebuild(dir.path(), "FROM scratch\nCOPY bin /bin\n");

    let site = Site::new(&[("scratch", &image.0)]);
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("scratch")).await;
    jail.write_sources(&[("hello.sh".to_owned(), b"#!/bin/busybox sh\nread name; echo hello $name\n".to_vec())])
        .await
        .expect("written");
    let built = run(
        &mut jail,
        compiler(&["busybox", "sh", "-c", "busybox cp /src/hello.sh main && busybox chmod 755 main"]),
        b"",
    )
    .await;
    assert_eq!(built.result.exit_code, Some(0), "{:?} {}", built.result, String::from_utf8_lossy(&built.stderr));
    let ran = run(&mut jail, program(&["/build/main"]), b"musl\n").await;
    assert_eq!(
        String::from_utf8_lossy(&ran.stdout),
        "hello musl\n",
        "{:?} {}",
        ran.result,
        String::from_utf8_lossy(&ran.stderr)
    );
    let modes =
        run(&mut jail, program(&["busybox", "stat", "-c", "%n %u %a", "/build", "/scratch", "/tmp", "/dev/shm"]), b"")
            .await;
    assert_eq!(
        String::from_utf8_lossy(&modes.stdout),
        "/build 10002 755\n/scratch 0 1777\n/tmp 0 1777\n/dev/shm 0 1777\n"
    );
    assert!(jail.clean().await.expect("answers"));
    drop(jail);
    site.end(sandbox).await;
}
