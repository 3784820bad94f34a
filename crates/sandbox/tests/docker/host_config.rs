//! What Docker says of a live jail.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Site, TestImage, docker, sh, take};

#[tokio::test(flavor = "multi_thread")]
async fn the_host_config_of_a_live_jail_is_what_we_promise() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    sh(&mut jail, "true").await;
    let inspected = sandbox.inspect(&jail).await.expect("inspected");
    let host = &inspected["HostConfig"];
    let expected = [
        ("NetworkMode", json!("none")),
        ("Memory", json!(256 << 20)),
        ("MemorySwap", json!(256 << 20)),
        ("NanoCpus", json!(0)),
        ("CpuPeriod", json!(site.config.cpu_period_ms * 1000)),
        ("CpuQuota", json!(site.config.cpu_period_ms * 500)),
        ("PidsLimit", json!(64)),
        ("OomKillDisable", json!(false)),
        ("OomScoreAdj", json!(500)),
        ("ReadonlyRootfs", json!(true)),
        ("Privileged", json!(false)),
        ("PublishAllPorts", json!(false)),
        ("AutoRemove", json!(false)),
        ("IpcMode", json!("none")),
        ("PidMode", json!("")),
        ("UTSMode", json!("")),
        ("UsernsMode", json!("")),
        ("CgroupnsMode", json!("private")),
        ("Init", json!(false)),
        ("CapDrop", json!(["ALL"])),
        ("Devices", json!([])),
    ];
    for (key, value) in expected {
        let absent = value == json!([]) && host[key].is_null();
        assert!(absent || host[key] == value, "{key}: {} is not {value}", host[key]);
    }
    for key in ["Binds", "VolumesFrom", "GroupAdd", "ExtraHosts", "Links", "DeviceRequests", "PortBindings"] {
        assert!(host[key].is_null() || host[key] == json!([]) || host[key] == json!({}), "{key}: {}", host[key]);
    }
    let caps: Vec<&str> = host["CapAdd"].as_array().expect("list").iter().filter_map(Value::as_str).collect();
    let caps: Vec<&str> = caps.iter().map(|c| c.trim_start_matches("CAP_")).collect();
    assert_eq!(caps, ["SETUID", "SETGID", "KILL"]);
    assert_eq!(host["LogConfig"]["Type"], "none");
    assert_eq!(host["RestartPolicy"]["Name"], "no");

    let options: Vec<&str> = host["SecurityOpt"].as_array().expect("list").iter().filter_map(Value::as_str).collect();
    assert!(options.contains(&"no-new-privileges"), "{options:?}");
    let seccomp = options.iter().find_map(|o| o.strip_prefix("seccomp=")).expect("a profile of our own");
    let profile: Value = serde_json::from_str(seccomp).expect("as text, not as a path");
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");

    let ulimits: BTreeMap<&str, (i64, i64)> = host["Ulimits"]
        .as_array()
        .expect("list")
        .iter()
        .map(|u| {
            (u["Name"].as_str().expect("name"), (u["Soft"].as_i64().expect("soft"), u["Hard"].as_i64().expect("hard")))
        })
        .collect();
    assert_eq!(ulimits["core"], (0, 0));
    assert_eq!(ulimits["nofile"], (1024, 1024));
    assert_eq!(ulimits["fsize"], (256 << 20, 256 << 20));

    let tmpfs = host["Tmpfs"].as_object().expect("map");
    let mut folders: Vec<&str> = tmpfs.keys().map(String::as_str).collect();
    folders.sort_unstable();
    assert_eq!(folders, ["/build", "/dev/shm", "/scratch", "/tmp"]);
    for (folder, options) in tmpfs {
        let options = options.as_str().expect("text");
        for needed in ["nosuid", "nodev", "size=", "nr_inodes="] {
            assert!(options.contains(needed), "{folder}: {options}");
        }
        assert_eq!(options.split(',').any(|o| o == "noexec"), folder != "/build", "{folder}: {options}");
    }
    for mount in inspected["Mounts"].as_array().expect("list") {
        assert_eq!(
            (&mount["Type"], &mount["RW"], &mount["Propagation"]),
            (&json!("bind"), &json!(false), &json!("rprivate"))
        );
        assert!(mount["Source"].as_str().expect("source").starts_with(site.root.to_str().expect("utf-8")));
    }

    let config = &inspected["Config"];
    assert_eq!((&config["User"], &config["Tty"], &config["StdinOnce"]), (&json!("0:0"), &json!(false), &json!(true)));
    assert_eq!(inspected["Config"]["NetworkDisabled"], true);
    let labels = &config["Labels"];
    assert_eq!(labels["iteratione.deployment"], json!(site.instance));
    assert_eq!((&labels["iteratione.kind"], &labels["iteratione.language"]), (&json!("jail"), &json!("base")));
    assert_eq!(labels["coolify.managed"], "false");
    for label in ["iteratione.owner", "iteratione.jail"] {
        assert!(uuid::Uuid::parse_str(labels[label].as_str().expect("text")).is_ok(), "{label}");
    }
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_an_image_asks_for_weakens_its_jail() {
    let dockerfile = format!(
        "FROM {}\nENV SECRET=from-the-image JAVA_TOOL_OPTIONS=-Dx=y PATH=/custom:/usr/bin:/bin\nUSER 1234\nWORKDIR /scratch\n\
         LABEL coolify.managed=true\nHEALTHCHECK --interval=1s CMD touch /tmp/health\nENTRYPOINT [\"/bin/false\"]\nCMD [\"x\"]\nEXPOSE 80\n",
        crate::support::BASE
    );
    let image = TestImage::build("demanding", &dockerfile);
    let site = Site::new(&[("demanding", &image.0)]);
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("demanding")).await;
    // What the first process got, and what a program gets: the search path of the image, and nothing else of it.
    let env = docker(&["exec", jail.container_id(), "env"]);
    assert!(!env.contains("SECRET") && !env.contains("JAVA_TOOL_OPTIONS") && !env.contains("HOSTNAME"), "{env}");
    assert!(env.contains("PATH=/custom:/usr/bin:/bin\n"), "{env}");
    assert_eq!(sh(&mut jail, "env -u PWD -u OLDPWD -u _ -u SHLVL env").await, "PATH=/custom:/usr/bin:/bin\n");
    assert_eq!(sh(&mut jail, "id -u; hostname").await, "10001\njail\n");
    let inspected = sandbox.inspect(&jail).await.expect("inspected");
    assert_eq!(inspected["Config"]["Labels"]["coolify.managed"], "false");
    assert!(inspected["State"]["Health"].is_null(), "{}", inspected["State"]);
    // An image's folder of the same name changes nothing: not even where an old runc takes its mode for the mount.
    let modes = sh(&mut jail, "stat -c '%n %u %a' /build /scratch /tmp /dev/shm").await;
    assert_eq!(modes, "/build 10002 755\n/scratch 0 1777\n/tmp 0 1777\n/dev/shm 0 1777\n");
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_with_volumes_is_refused_because_they_are_on_the_hosts_disk() {
    let image = TestImage::build("volumes", &format!("FROM {}\nVOLUME /data\n", crate::support::BASE));
    let site = Site::new(&[("base", crate::support::BASE), ("volumes", &image.0)]);
    let sandbox = site.start().await;
    let error = sandbox.take(site.language("volumes"), sandbox.default_resources(), "test").await.expect_err("refused");
    assert!(error.to_string().contains("/data"), "{error}");
    drop(take(&sandbox, site.language("base")).await);
    site.end(sandbox).await;
}
