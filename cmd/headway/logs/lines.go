package logs

import (
	"bufio"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"sync"

	"github.com/headway-dev/headway/cmd/headway/cli"
)

// lineWriter lets several streams print whole lines to one writer.
type lineWriter struct {
	mu    sync.Mutex
	w     io.Writer
	paint cli.Paint
	err   error
}

// line prints one line with its source in front. After the first error of the
// writer, such as a closed pipe, it prints nothing more and returns that error.
func (l *lineWriter) line(source, text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, "%s %s\n", l.colour(source), text)
	}
	return l.err
}

// colour gives every source a colour of its own, always the same one.
func (l *lineWriter) colour(source string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(source))
	return l.paint.In(fmt.Sprint(31+h.Sum32()%6), source)
}

// longestLine bounds one line; the rest of a longer one is its next line.
const longestLine = 64 << 10

// copy prints the lines of a stream until it ends, and returns their number.
func (l *lineWriter) copy(source string, r io.Reader) (lines int, err error) {
	in := bufio.NewReaderSize(r, longestLine)
	for {
		text, err := in.ReadSlice('\n')
		if len(text) > 0 {
			lines++
			if err := l.line(source, strings.TrimRight(string(text), "\r\n")); err != nil {
				return lines, fmt.Errorf("printing the log: %w", err)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return lines, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return lines, err
		}
	}
}
