// Package offload deals with programs that a network device runs itself, and
// with the maps that it keeps: it asks a device what it can run, checks an
// object against a driver's rules before the kernel is asked, and makes a
// [github.com/cilium/ebpf.CollectionSpec] one for a device.
//
// What is on a device belongs to it: it goes when the device goes, and it
// moves with the device to another network namespace.
package offload
