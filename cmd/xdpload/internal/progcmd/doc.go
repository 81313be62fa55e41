// Package progcmd has the commands about programs: show, run, dump, jit, and verify.
package progcmd
