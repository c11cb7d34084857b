// Package park is both sides of waking a parked pod: the program that waits in
// the place of the application (Run), and those who wake it (Waker).
//
// A parked pod has everything a running one has, a node, an address and its
// image, but its process is this program. It listens on a port of its own, and
// replaces itself by the application when it hears a line that is signed for
// its pod. The process stays the same one: PID, user, working directory, open
// files and limits are those the container was started with.
//
// It promises that nothing but the right key wakes a pod, that one wake call is
// good for one pod only, and that calls which say nothing, or nonsense, cost a
// bounded amount and delay nobody.
//
// It does not know when to wake, and does not wait for the application to
// answer. A signature stays good as long as the pod lives: who reads one off
// the network can wake that pod again after its container was restarted.
//
// To stay small it imports no Kubernetes; a test compares the names with those
// in package v1alpha1.
package park
