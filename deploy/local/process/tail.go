package process

import (
	"bytes"
	"os"
	"strings"
)

// tailWindow is how many bytes at the end of a log are looked at for its last lines.
const tailWindow = 16 << 10

// Tail returns at most n last lines of a log; none when there is no such file.
func Tail(path string, n int) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	offset := max(info.Size()-tailWindow, 0)
	content := make([]byte, info.Size()-offset)
	read, err := file.ReadAt(content, offset)
	if err != nil && read == 0 {
		return nil
	}
	content = bytes.TrimRight(content[:read], "\n")
	if len(content) == 0 {
		return nil
	}
	lines := strings.Split(string(content), "\n")
	return lines[max(len(lines)-n, 0):]
}
