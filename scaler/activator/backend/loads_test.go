package backend

import "testing"

// FuzzLoads plays random steps and compares with a search through all pods.
func FuzzLoads(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{0, 4, 8, 1, 1, 1, 2, 6, 10, 3, 7, 1})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var l loads
		pods := make([]*Pod, 5)
		in := map[*Pod]bool{}
		for i := range pods {
			pods[i] = &Pod{}
		}
		for _, step := range steps {
			pod := pods[int(step/4)%len(pods)]
			switch step % 4 {
			case 0:
				if !in[pod] {
					l.add(pod)
					in[pod] = true
				}
			case 1, 2:
				if p := l.lightest(); p != nil {
					l.move(p, +1)
				}
			case 3:
				if in[pod] && pod.inFlight > 0 {
					l.move(pod, -1)
				} else if in[pod] {
					l.remove(pod)
					delete(in, pod)
				}
			}
			best := -1
			for p := range in {
				if best < 0 || p.inFlight < best {
					best = p.inFlight
				}
			}
			got := l.lightest()
			switch {
			case best < 0 && got != nil:
				t.Fatal("a pod out of nowhere")
			case best >= 0 && (got == nil || got.inFlight != best):
				t.Fatalf("lightest %+v, want load %d", got, best)
			}
		}
	})
}
