//! The Volume Trap.

use crate::support::Site;

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_sees_another_folder_is_found_out_at_start_and_explained() {
    let mut site = Site::base();
    // What a service in a container would ask for whose workspace is not mounted from the host.
    site.config.workspace_root_for_docker = Some("/nonexistent/iteratione-workspaces".into());
    let error = format!("{:#}", site.try_start().await.expect_err("must refuse"));
    assert!(error.contains("does not see the workspace"), "{error}");
    assert!(error.contains(&format!("\"{0}:{0}\"", site.root.display())), "it says what to write: {error}");
    assert_eq!(site.containers(), Vec::<String>::new());
    assert!(site.jail_folders().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_image_at_all_is_said_before_anything_else() {
    let site = Site::new(&[("none", "iteratione-test/there-is-no-such-image:1")]);
    let error = format!("{:#}", site.try_start().await.expect_err("must refuse"));
    assert!(error.contains("no language's image is on this Docker host"), "{error}");
    assert!(error.contains("iteratione-test/there-is-no-such-image:1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_socket_is_said_by_its_path() {
    let mut site = Site::base();
    site.config.docker_host = "unix:///nonexistent/docker.sock".to_owned();
    let error = format!("{:#}", site.try_start().await.expect_err("must refuse"));
    assert!(error.contains("/nonexistent/docker.sock"), "{error}");
}
