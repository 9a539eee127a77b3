// loop: a program again and again, so many at a time, as os/exec starts them:
//
//	loop JOBS DEPTH PROGRAM [ARGUMENT...]
//
// Prints one line of JSON: {"jobs", "wall_ns", "errors", "bytes", "p50_us", "p99_us"}.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Not measured: the first starts read the program from the disk.
const warmUp = 32

type result struct {
	Jobs   int64   `json:"jobs"`
	WallNs int64   `json:"wall_ns"`
	Errors int64   `json:"errors"`
	Bytes  int64   `json:"bytes"`
	P50Us  float64 `json:"p50_us"`
	P99Us  float64 `json:"p99_us"`
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: loop JOBS DEPTH PROGRAM [ARGUMENT...]")
	os.Exit(2)
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 32)
	if err != nil || value < 1 {
		usage()
	}
	return value
}

// Its output, read to the end; stderr has a pipe of its own.
func one(argv []string) (int, error) {
	var out, err bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &err
	ended := cmd.Run()
	return out.Len() + err.Len(), ended
}

func run(jobs, depth int64, argv []string) result {
	var taken, errors, size atomic.Int64
	var all sync.WaitGroup
	took := make([]int64, jobs)
	begin := time.Now()

	for i := int64(0); i < depth; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for job := taken.Add(1) - 1; job < jobs; job = taken.Add(1) - 1 {
				asked := time.Now()
				n, err := one(argv)
				took[job] = time.Since(asked).Nanoseconds()
				size.Add(int64(n))
				if err != nil {
					errors.Add(1)
				}
			}
		}()
	}
	all.Wait()
	wall := time.Since(begin).Nanoseconds()
	sort.Slice(took, func(a, b int) bool { return took[a] < took[b] })
	return result{jobs, wall, errors.Load(), size.Load(),
		float64(took[jobs/2]) / 1000, float64(took[jobs*99/100]) / 1000}
}

func main() {
	if len(os.Args) < 4 {
		usage()
	}
	jobs, depth, argv := number(os.Args[1]), number(os.Args[2]), os.Args[3:]
	run(warmUp, depth, argv)
	if err := json.NewEncoder(os.Stdout).Encode(run(jobs, depth, argv)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
