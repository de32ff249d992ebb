package benches;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** What a side's function counts, and when the first and the last record came by. */
final class Tally {
    /** Linux counts processor time for programs in hundredths of a second. */
    private static final double TICKS_PER_SECOND = 100;

    private final long expected;
    private final AtomicLong records = new AtomicLong();
    private final AtomicLong sum = new AtomicLong();
    private final AtomicLong waited = new AtomicLong();
    private final AtomicBoolean begun = new AtomicBoolean();
    private final CountDownLatch complete = new CountDownLatch(1);
    private volatile Mark first;
    private volatile Mark last;

    private record Mark(long nanos, long unixMillis, double cpu) {
        static Mark now() {
            return new Mark(System.nanoTime(), System.currentTimeMillis(), cpuSeconds());
        }
    }

    Tally(long expected) {
        this.expected = expected;
    }

    /** A record is about to be worked on. */
    void begin() {
        if (!begun.get() && begun.compareAndSet(false, true)) {
            first = Mark.now();
        }
    }

    /** A record waited this long. */
    void waited(long nanos) {
        waited.addAndGet(nanos);
    }

    /** A record was worked on, and adds this to the sum. */
    void count(long value) {
        sum.addAndGet(value);
        long count = records.incrementAndGet();
        if (count == 1) {
            begin();
        }
        if (count == expected) {
            last = Mark.now();
            complete.countDown();
        }
    }

    /** Waits until all records came by. */
    void await() throws InterruptedException {
        complete.await();
    }

    /** Waits so long for it at most, and tells whether all came by. */
    boolean await(Duration most) throws InterruptedException {
        return complete.await(most.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** What it came to, as JSON. */
    String outcome() throws IOException {
        return String.format(
                Locale.ROOT,
                "{\"records\":%d,\"sum\":%d,\"seconds\":%f,\"cpu_seconds\":%f,\"peak_memory_bytes\":%d,"
                        + "\"first_unix_ms\":%d,\"service_us\":%f}",
                records.get(),
                sum.get(),
                (last.nanos - first.nanos) / 1e9,
                last.cpu - first.cpu,
                peakMemory(),
                first.unixMillis,
                waited.get() / 1e3 / records.get());
    }

    private static double cpuSeconds() {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    private static long peakMemory() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1_024;
            }
        }
        throw new IOException("/proc/self/status does not say VmHWM");
    }
}
