// Package pin gives BPF objects names on a BPF file system (bpffs), in
// iproute2's layout, all or none.
//
// [Open] takes a directory on a bpffs that is mounted already: the package
// never mounts and reads no environment variable. [FS.MapPath] says where
// iproute2 pins a map, so that both tools share maps. A [Txn] makes the pins of
// one load appear together: if the process is killed, even by SIGKILL, the next
// transaction or [FS.GC] undoes what it left. [FS.Walk] lists what is pinned,
// [Compatible] says whether a pinned map may be used in place of a new one.
//
// Beside iproute2's tree the package keeps one directory of its own, xdpload:
// the journal of the transaction that runs, and the pins that keep program
// arrays alive for the programs that use them ([Owner]). It exists only while
// there is something in it. One that another user than root can have made or can
// write is [ErrForeign]: others may make names in the root of a BPF file system,
// by the kernel's default mode of 1777. For the same reason no symbolic link
// below the root is followed, but those that iproute2 makes for its tree.
//
// # What a BPF file system offers
//
// It holds directories, symbolic links and pins. A pin can be linked and
// renamed, also onto another pin, within one mount; no name may contain a dot;
// an advisory lock on a directory works as anywhere (kernel/bpf/inode.c,
// bpf_dir_iops and bpf_lookup; fs/libfs.c, simple_link and simple_rename). All
// of that is so since Linux 4.9.
package pin
