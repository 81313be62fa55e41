// Package linkcmd has the commands about links: XDP programs, and netkit devices.
package linkcmd
