// Package mapcmd has the commands about maps and their entries.
package mapcmd
