// Package cli is the application: it reads the options and the line, or the lines of
// a batch, finds the command in the table, and is where an error becomes text and a
// status. Help, documents and completion come from the same table.
package cli
