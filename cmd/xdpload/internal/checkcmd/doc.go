// Package checkcmd has the command that says what is in the way of a program.
package checkcmd
