//! Honest programs that use much of their runtime, under the system calls that are left.

use crate::support::{Site, program, repository, run, take};

const JAVA: &str = r#"
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import com.sun.net.httpserver.HttpServer;

public class Main {
    public static void main(String[] args) throws Exception {
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            var sum = new java.util.concurrent.atomic.LongAdder();
            for (int i = 0; i < 200; i++) pool.submit(() -> { Thread.sleep(1); sum.increment(); return 0; });
            pool.shutdown();
            pool.awaitTermination(20, TimeUnit.SECONDS);
            System.out.println("threads " + sum);
        }
        Path file = Files.createTempFile("x", ".txt");
        Files.writeString(file, "héllo");
        try (var channel = java.nio.channels.FileChannel.open(file)) {
            var map = channel.map(java.nio.channels.FileChannel.MapMode.READ_ONLY, 0, channel.size());
            System.out.println("mapped " + map.remaining());
        }
        Files.copy(file, Path.of("copy.txt"));
        System.out.println("walk " + Files.list(Path.of(".")).count());
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", e -> { e.sendResponseHeaders(200, 2); e.getResponseBody().write("ok".getBytes()); e.close(); });
        server.start();
        var uri = URI.create("http://localhost:" + server.getAddress().getPort() + "/");
        System.out.println("http " + HttpClient.newHttpClient().send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString()).body());
        server.stop(0);
        System.out.println("process " + new String(new ProcessBuilder("/bin/echo", "child").start().getInputStream().readAllBytes()).trim());
        System.out.println("parallel " + java.util.stream.IntStream.range(0, 100000).parallel().sum());
        System.out.println("name " + InetAddress.getLocalHost().getHostName());
        try {
            new Socket().connect(new InetSocketAddress("example.invalid", 80), 1000);
            System.out.println("reached");
        } catch (IOException e) {
            System.out.println("no network");
        }
    }
}
"#;
const JAVA_SAYS: &str =
    "threads 200\nmapped 6\nwalk 1\nhttp ok\nprocess child\nparallel 704982704\nname jail\nno network\n";

const PYTHON: &str = r#"
import asyncio, ctypes, multiprocessing, os, random, select, signal, socket, sqlite3, subprocess, tempfile, threading, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory

def square(x):
    return x * x

if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print("processes", sum(pool.map(square, range(10))))
    memory = shared_memory.SharedMemory(create=True, size=4096)
    memory.buf[0] = 7
    print("shared", memory.buf[0]); memory.close(); memory.unlink()
    done = []
    threads = [threading.Thread(target=done.append, args=(i,)) for i in range(8)]
    [t.start() for t in threads]; [t.join() for t in threads]
    print("threads", len(done))
    print("child", subprocess.run(["sh", "-c", "echo $((6*7))"], capture_output=True, text=True).stdout.strip())
    with tempfile.NamedTemporaryFile() as f:
        database = sqlite3.connect(f.name)
        database.execute("create table t(x)"); database.executemany("insert into t values (?)", [(i,) for i in range(100)])
        database.commit()
        print("sqlite", database.execute("select sum(x) from t").fetchone()[0])
    async def main():
        async def serve(reader, writer):
            writer.write((await reader.readline()).upper()); await writer.drain(); writer.close()
        server = await asyncio.start_server(serve, "localhost", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port)
        writer.write(b"hi\n")
        print("asyncio", (await reader.readline()).decode().strip()); writer.close(); server.close()
    asyncio.run(main())
    os.mkfifo("fifo"); print("fifo", os.path.exists("fifo"))
    signal.signal(signal.SIGALRM, lambda *_: print("alarm")); signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause()
    print("random", len(os.urandom(8)), "clock", time.monotonic() > 0)
    try:
        socket.getaddrinfo("example.invalid", 80); print("reached")
    except OSError:
        print("no network")
"#;
const PYTHON_SAYS: &str = "processes 285\nshared 7\nthreads 8\nchild 42\nsqlite 4950\nasyncio HI\nfifo True\nalarm\nrandom 8 clock True\nno network\n";

const CPP: &str = r#"
#include <bits/stdc++.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <semaphore.h>
#include <fcntl.h>
#include <spawn.h>
extern char **environ;
int main() {
    std::vector<std::thread> threads; std::atomic<int> n{0};
    for (int i = 0; i < 8; i++) threads.emplace_back([&] { n++; });
    for (auto &t : threads) t.join();
    std::cout << "threads " << n << "\n";
    std::cout << "future " << std::async(std::launch::async, [] { return 42; }).get() << "\n";
    sem_t *s = sem_open("/s", O_CREAT, 0600, 1); std::cout << "semaphore " << (s != SEM_FAILED) << "\n";
    int fd = shm_open("/m", O_CREAT | O_RDWR, 0600); if (ftruncate(fd, 4096)) return 1;
    auto *m = (int *)mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fork() == 0) { *m = 5; _exit(0); } wait(nullptr);
    std::cout << "shared " << *m << "\n";
    char *argv[] = {(char *)"true", nullptr}; pid_t p; int status = -1;
    int e = posix_spawnp(&p, "true", nullptr, nullptr, argv, environ); waitpid(p, &status, 0);
    std::cout << "spawn " << e << " " << status << "\n";
    std::ofstream("f") << "x"; std::cout << "files " << std::filesystem::file_size("f") << "\n";
    try { throw std::runtime_error("thrown"); } catch (std::exception &x) { std::cout << x.what() << "\n"; }
}
"#;
const CPP_SAYS: &str = "threads 8\nfuture 42\nsemaphore 1\nshared 5\nspawn 0 0\nfiles 1\nthrown\n";

#[tokio::test(flavor = "multi_thread")]
async fn java_python_and_cpp_programs_that_use_much_work() {
    let languages = iteratione_common::language::Languages::read(&repository().join("images")).expect("languages");
    let ids: Vec<(String, String)> = languages.iter().map(|l| (l.id.clone(), l.image.clone())).collect();
    let pairs: Vec<(&str, &str)> = ids.iter().map(|(l, i)| (l.as_str(), i.as_str())).collect();
    let mut site = Site::new(&pairs);
    site.config.memory_mb = 640;
    site.config.processes = 128;
    site.config.cpus = 2.0;
    let sandbox = site.start().await;
    for (id, file, source, compile, line, says) in [
        ("java", "Main.java", JAVA, "", "java -Xmx256m /src/Main.java", JAVA_SAYS),
        ("python", "main.py", PYTHON, "", "python3 /src/main.py", PYTHON_SAYS),
        ("cpp", "main.cpp", CPP, "g++ -std=c++20 -o main /src/main.cpp", "/build/main", CPP_SAYS),
    ] {
        let mut jail = take(&sandbox, site.language(id)).await;
        jail.write_sources(&[(file.to_owned(), source.as_bytes().to_vec())]).await.expect("written");
        let mut limits = program(&["true"]).limits;
        limits.cpu_ms = 40_000;
        limits.wall_ms = 80_000;
        limits.file_bytes = 256 << 20;
        limits.open_files = 1024;
        if !compile.is_empty() {
            let mut request = crate::support::compiler(&["sh", "-c", compile]);
            request.limits = limits;
            let done = run(&mut jail, request, b"").await;
            assert_eq!(
                done.result.exit_code,
                Some(0),
                "{id}: {:?} {}",
                done.result,
                String::from_utf8_lossy(&done.stderr)
            );
        }
        let mut request = program(&["sh", "-c", line]);
        request.limits = limits;
        let done = run(&mut jail, request, b"").await;
        let errors = String::from_utf8_lossy(&done.stderr);
        assert_eq!(String::from_utf8_lossy(&done.stdout), says, "{id}: {:?} {errors}", done.result);
    }
    site.end(sandbox).await;
}
