//! A name that comes to mean another image: nothing of the old one is used for long, resident compilers included.

use std::{fs, time::Instant};

use iteratione_common::language::Languages;

use crate::support::{DEADLINE, Site, TestImage, docker, repository};

#[tokio::test(flavor = "multi_thread")]
async fn when_javas_image_changes_its_compiler_and_its_warm_jails_are_replaced() {
    let text = fs::read_to_string(repository().join("images/java/language.toml")).expect("readable");
    let line = text.lines().find(|l| l.starts_with("image = ")).expect("an image").to_owned();
    let real = line.split('"').nth(1).expect("its name").to_owned();
    let image = TestImage::build("java", &format!("FROM {real}\nLABEL version=old\n"));
    let dir = tempfile::tempdir().expect("folder");
    let folder = dir.path().join("java");
    fs::create_dir(&folder).expect("mkdir");
    fs::write(folder.join("language.toml"), text.replace(&line, &format!("image = \"{}\"", image.0))).expect("write");
    let mut site = Site::base();
    site.languages = Languages::read(dir.path()).expect("valid");
    site.config.pool_floor = 1;
    site.config.pool_ceiling = 1;
    let sandbox = site.start().await;
    let complete = || sandbox.compilers("java") == 1 && sandbox.warm("java") == 1 && sandbox.live() == 2;
    let began = Instant::now();
    while !complete() {
        assert!(began.elapsed() < 2 * DEADLINE, "a compiler and a jail are ready");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let old = site.containers();
    let again = tempfile::tempdir().expect("folder");
    image.rebuild(again.path(), &format!("FROM {real}\nLABEL version=new\n"));
    let began = Instant::now();
    while !(complete() && site.containers().iter().all(|id| !old.contains(id))) {
        assert!(began.elapsed() < 2 * DEADLINE, "neither is of the old image");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let labels: Vec<String> = site
        .containers()
        .iter()
        .map(|id| {
            let format = "{{index .Config.Labels \"iteratione.kind\"}} {{index .Config.Labels \"version\"}}";
            docker(&["inspect", "--format", format, id]).trim().to_owned()
        })
        .collect();
    for expected in ["compiler new", "jail new"] {
        assert!(labels.iter().any(|l| l == expected), "{labels:?}");
    }
    site.end(sandbox).await;
}
