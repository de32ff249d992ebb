package benches;

import java.nio.file.Files;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;

/** Kafka Streams: a topology that calls the function for each record; as many threads as can be busy where records wait. */
public final class Streams {
    private Streams() {}

    /** Does a task. */
    public static void main(String[] args) {
        Task.main(args, Streams::read);
    }

    private static void read(Task task, Tally tally) throws Exception {
        var builder = new StreamsBuilder();
        builder.stream(task.topic(), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .foreach((key, value) -> task.run(value, tally));
        var state = Files.createTempDirectory("streams");
        var properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, task.group());
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, task.brokers());
        properties.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        if (task.work().waits()) {
            // A partition is worked on by one thread.
            int threads = Math.min(task.partitions(), Task.CONCURRENCY);
            properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        }
        if (task.tuned()) {
            properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Task.COMMIT_MS);
        }
        var streams = new KafkaStreams(builder.build(), properties);
        streams.setUncaughtExceptionHandler(error -> {
            Task.fail(error);
            return null;
        });
        streams.start();
        tally.await();
        streams.close();
        streams.cleanUp();
        Files.deleteIfExists(state);
    }
}
