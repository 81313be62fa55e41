// Package env is what a command works with: streams, options, the netlink connection,
// what was looked up already, and warnings. It knows no command.
package env
