// Package offloadcmd has the commands about devices that run programs themselves.
package offloadcmd
