package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stageCommand is "vm stage", what "vm test" lets go test -exec run: it keeps
// the test binary and how go test started it, in a new directory below args[0].
// So go test itself finds the packages, builds them, and turns its flags into
// those of the binaries.
func stageCommand(_ context.Context, _ *env, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: vm stage DIRECTORY BINARY [arguments]")
	}
	dir, err := os.MkdirTemp(args[0], "job-")
	if err != nil {
		return err
	}
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	argv := slices.Clone(args[1:])
	binary := filepath.Join(dir, filepath.Base(argv[0]))
	if err := linkOrCopy(argv[0], binary); err != nil {
		return err
	}
	argv[0] = binary
	j := newJob(argv, os.Environ(), wd).telling()
	j.Package = importPath(wd)
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "job.json"), data, 0o644)
}

func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// staged reads the jobs below dir, in the order of their packages.
func staged(dir string) ([]job, error) {
	files, err := filepath.Glob(filepath.Join(dir, "job-*", "job.json"))
	if err != nil {
		return nil, err
	}
	var jobs []job
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var j job
		if err := json.Unmarshal(data, &j); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		jobs = append(jobs, j)
	}
	slices.SortFunc(jobs, func(a, b job) int { return strings.Compare(a.Package, b.Package) })
	return jobs, nil
}
