//! The server's process, where it runs on this machine: its CPU time and its memory.
//!
//! Linux only: `/proc` has the figures. Elsewhere, and for a server on another machine, there are none.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;

/// A process that is watched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) const fn new(pid: u32) -> Self {
        Self(pid)
    }

    /// Finds the process that listens on a port of this machine.
    pub(crate) fn listening(address: SocketAddr) -> Option<Self> {
        if !address.ip().is_loopback() {
            return None;
        }
        let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
            .into_iter()
            .find_map(|table| inode(&fs::read_to_string(table).ok()?, address.port()))?;
        let socket = format!("socket:[{inode}]");
        let pids = fs::read_dir("/proc").ok()?.flatten();
        pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .find(|pid: &u32| {
                let files = fs::read_dir(format!("/proc/{pid}/fd"))
                    .into_iter()
                    .flatten();
                files
                    .flatten()
                    .filter_map(|file| fs::read_link(file.path()).ok())
                    .any(|link| link.as_os_str() == socket.as_str())
            })
            .map(Self)
    }

    /// CPU time of all threads since they began.
    pub(crate) fn cpu(self) -> Option<Duration> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0)).ok()?;
        let nanos = threads
            .flatten()
            .filter_map(|thread| {
                let stat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
                stat.split(' ').next()?.parse::<u64>().ok()
            })
            .sum();
        Some(Duration::from_nanos(nanos))
    }

    /// Memory that is resident, in octets.
    pub(crate) fn memory(self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }
}

/// The inode of the socket that listens on `port`, in a table of the kernel.
fn inode(table: &str, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    let end = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let (local, state) = (columns.get(1)?, columns.get(3)?);
        let found = local.ends_with(&end) && *state == LISTEN;
        found.then(|| columns.get(9)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_socket_is_found_by_its_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 11 1\n   \
            1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n";
        assert_eq!(inode(table, 8080), Some(4242));
        assert_eq!(inode(table, 8081), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let found = Process::listening(listener.local_addr().unwrap()).unwrap();
        assert_eq!(found.0, std::process::id());
        assert!(found.memory().unwrap() > 100_000);
        assert!(found.cpu().is_some());
    }
}
