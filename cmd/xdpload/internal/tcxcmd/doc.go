// Package tcxcmd has the commands for hooks that run several programs in order: tcx
// and netkit.
package tcxcmd
