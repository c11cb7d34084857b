// Package supervise starts a program again when it crashes, while its listening
// sockets stay open. It has both sides: Run is the tiny parent, Listen what its
// child opens its ports with.
//
//	supervise ADDRESS... -- PROGRAM [ARGUMENT]...
//
// It promises that a crash costs only what the process held: the connections
// that it had accepted. Those that come while there is no process, or while the
// next one is not ready to accept, wait in the kernel, as many as the socket's
// backlog takes (net.core.somaxconn, 4096 by default).
//
// The parent ends when its child ends by itself without an error, or after a
// signal, which it hands on. A program that does not live is given up soon, so
// that whoever supervises the parent, such as the kubelet, sees that.
//
// The sockets are handed over by systemd's protocol (sd_listen_fds(3)), without
// LISTEN_PID, which a parent that does not fork cannot know in advance.
//
// The parent uses the standard library only and does nothing but wait. It does
// not watch whether its child does its work: that is for probes.
package supervise
