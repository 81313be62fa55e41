// Package tccmd has the commands of tc: qdiscs, filters, chains, actions, monitor and
// exec.
package tccmd
