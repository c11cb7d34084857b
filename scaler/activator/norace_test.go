//go:build !race

package activator

// memoryFactor is how much more memory the race detector needs.
const memoryFactor = 1
