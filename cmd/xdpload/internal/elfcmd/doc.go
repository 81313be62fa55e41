// Package elfcmd has the commands about object files.
package elfcmd
