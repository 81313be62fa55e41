// Package netcmd has the command that shows every program that a packet meets.
package netcmd
