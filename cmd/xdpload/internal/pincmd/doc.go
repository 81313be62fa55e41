// Package pincmd has the commands about pins.
package pincmd
