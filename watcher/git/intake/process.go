package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
)

// processName is what a program is started as to take a pack. It is the program
// that runs already, so that there is no other one to install.
const processName = "headway-git-intake"

// request is what a process is to do.
type request struct {
	Dir, Pack string
	Bounds    Bounds
	Memory    int64
}

// answer is what came of it.
type answer struct {
	Held    Held
	Problem *Problem
	// Peak is the most memory that the process had, in bytes.
	Peak int64
}

// Whatever links this package can be the process: a program, or the test of a
// package. What is initialised later than this has not begun.
func init() {
	if os.Args[0] != processName {
		return
	}
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve does what one request says.
func serve(in io.Reader, out io.Writer) error {
	var r request
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	if err := confine(r.Memory); err != nil {
		return fmt.Errorf("limiting this process: %w", err)
	}
	var a answer
	held, err := take(r.Dir, r.Pack, r.Bounds, r.Memory)
	if a.Held = held; err != nil {
		a.Problem = problem(err)
	}
	a.Peak = peak()
	return json.NewEncoder(out).Encode(a)
}

// Taken is what came of taking a pack.
type Taken struct {
	Held
	// Peak is the most memory that the process had, in bytes.
	Peak int64
}

// One thread of Go is what the memory was reckoned for, and nothing of the
// environment is for a process that reads what a stranger has sent.
var environment = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}

// Take takes a pack into the cache in dir, in a process that is given so many
// bytes of memory, and ends with ctx or with this one. Where the pack needs more,
// it is not taken, and the caller may give that. An error is a *Problem, or one of
// ctx, or of starting a process.
func Take(ctx context.Context, dir, pack string, b Bounds, memory int64) (Taken, error) {
	in, err := json.Marshal(request{dir, pack, b, memory})
	if err != nil {
		return Taken{}, fmt.Errorf("asking for a pack to be taken: %w", err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = []string{processName}
	cmd.Env = environment
	cmd.Stdin = bytes.NewReader(in)
	out, said := &first{most: 64 << 10}, &first{most: 4 << 10}
	cmd.Stdout, cmd.Stderr = out, said
	// A process that is to end with the one that started it ends with the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	confined(cmd)
	if err := cmd.Start(); err != nil {
		return Taken{}, fmt.Errorf("starting a process for a pack: %w", err)
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		return Taken{}, context.Cause(ctx)
	}
	var a answer
	if err == nil {
		err = json.Unmarshal(out.b.Bytes(), &a)
	}
	if err != nil {
		return Taken{}, died(err, said.b.String(), memory)
	}
	if a.Problem != nil {
		return Taken{a.Held, a.Peak}, a.Problem
	}
	return Taken{a.Held, a.Peak}, nil
}

// Weight is how much memory a process may come to that was given so much, with
// its program and what Go's heap takes beside what is in use.
func Weight(memory int64) int64 { return memory + memory/8 + spareBytes + programBytes }

// programBytes are what the program has before it takes a pack; spareBytes are for
// what Go's heap takes beside what is in use.
const programBytes, spareBytes = 8 << 20, 24 << 20

// died says how a process came to its end.
func died(err error, said string, memory int64) *Problem {
	if strings.Contains(said, "out of memory") || strings.Contains(said, "cannot allocate memory") {
		return &Problem{Kind: Died, Message: fmt.Sprintf("reading the fetch took more than the %s of memory that it was given", mib(memory))}
	}
	line, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	var exit *exec.ExitError
	if errors.As(err, &exit) && line == "" {
		line = exit.String()
	}
	return &Problem{Kind: Died, Message: "the process that read the fetch ended early: " + line}
}

// first keeps the first bytes of what a process says.
type first struct {
	mu   sync.Mutex
	b    bytes.Buffer
	most int
}

func (f *first) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = f.b.Write(p[:min(len(p), f.most-f.b.Len())]) // a buffer takes all
	return len(p), nil
}
