import java.io.DataInputStream;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;

/**
 * Connects to each datasource once, as the pool of a server does: the class of the driver by its name, then its own
 * connect(). It works in AS_HOME, and is given all on its standard input (remote/observe/datasources.py writes it).
 *
 * <p>Written for Java 7, the oldest that a supported server has. After a change, in this folder, with a JDK 17:
 * javac --release 7 -g:none -Xlint:-options TryDatasources.java
 */
public final class TryDatasources implements Runnable {
    private static final String[] FOLDERS = {
        "repository/components/lib", "repository/components/dropins", "repository/components/plugins"
    };
    private static final int LONGEST = 600;
    private static List<String> first;
    private static List<String> without;
    private static CountDownLatch ended;

    private final int number;
    private final String driver;
    private final String url;
    private final Properties login = new Properties();
    private String line;

    private TryDatasources(int number, DataInputStream input) throws IOException {
        this.number = number;
        driver = read(input);
        url = read(input);
        for (int left = input.readInt(); left > 0; left--) {
            String name = read(input);
            login.setProperty(name, read(input));
        }
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream output = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        System.setOut(System.err); // what a driver prints is no answer
        DataInputStream input = new DataInputStream(System.in);
        long within = input.readInt();
        first = readAll(input);
        without = readAll(input);
        List<TryDatasources> trials = new ArrayList<TryDatasources>();
        for (int left = input.readInt(); left > 0; left--) trials.add(new TryDatasources(trials.size(), input));
        ended = new CountDownLatch(trials.size());
        for (TryDatasources trial : trials) {
            Thread thread = new Thread(trial);
            thread.setDaemon(true);
            thread.start();
        }
        ended.await(within, TimeUnit.MILLISECONDS);
        for (TryDatasources trial : trials) output.println(trial.answer());
        Runtime.getRuntime().halt(0); // threads of drivers may go on for ever
    }

    private static String read(DataInputStream input) throws IOException {
        byte[] bytes = new byte[input.readInt()];
        input.readFully(bytes);
        return new String(bytes, "UTF-8");
    }

    private static List<String> readAll(DataInputStream input) throws IOException {
        List<String> all = new ArrayList<String>();
        for (int left = input.readInt(); left > 0; left--) all.add(read(input));
        return all;
    }

    @Override
    public void run() {
        String seen;
        try {
            seen = connect();
        } catch (Throwable failure) {
            seen = told(failure);
        }
        answer(seen);
        ended.countDown();
    }

    private synchronized void answer(String seen) {
        line = "tried " + number + " " + seen;
    }

    private synchronized String answer() {
        return line == null ? "tried " + number + " slow - 0 " : line;
    }

    private String connect() throws Exception {
        URLClassLoader loader = loader();
        if (loader == null) return "class - 0 ";
        Driver loaded = (Driver) Class.forName(driver, true, loader).newInstance();
        Connection connection = loaded.connect(url, login);
        if (connection == null) return "url - 0 ";
        connection.close();
        return "open - 0 ";
    }

    /** Returns what loads the driver: the first JAR that has it, and all of lib; null if none has it. */
    private URLClassLoader loader() throws IOException {
        List<File> jars = new ArrayList<File>();
        for (String path : first) jars.add(new File(path));
        for (String folder : FOLDERS) jars.addAll(jarsOf(folder));
        String entry = driver.replace('.', '/') + ".class";
        for (File jar : jars) {
            if (!holds(jar, entry)) continue;
            List<URL> urls = new ArrayList<URL>();
            urls.add(jar.toURI().toURL());
            for (File other : jarsOf(FOLDERS[0])) urls.add(other.toURI().toURL());
            return new URLClassLoader(urls.toArray(new URL[0]));
        }
        return null;
    }

    private static List<File> jarsOf(String folder) {
        List<File> jars = new ArrayList<File>();
        String[] names = new File(folder).list();
        if (names == null) return jars;
        Arrays.sort(names);
        for (String name : names) {
            String path = folder + "/" + name;
            if (name.endsWith(".jar") && !without.contains(path)) jars.add(new File(path));
        }
        return jars;
    }

    private static boolean holds(File jar, String entry) {
        try (JarFile open = new JarFile(jar, false)) {
            return open.getEntry(entry) != null;
        } catch (IOException notAJar) {
            return false;
        }
    }

    private static String told(Throwable failure) {
        boolean encrypted = false;
        Throwable deepest = failure;
        SQLException refusal = null;
        for (Throwable each = failure; each != null; each = each.getCause() == each ? null : each.getCause()) {
            encrypted |= each instanceof javax.net.ssl.SSLException;
            if (each instanceof SQLException && refusal == null) refusal = (SQLException) each;
            deepest = each;
        }
        String text = textOf(refusal == null ? failure : refusal);
        String cause = textOf(deepest);
        if (!text.contains(cause) && deepest.getMessage() != null) text += ": " + cause;
        String word = encrypted ? "tls" : refusal == null ? "broken" : "refused";
        String state = refusal == null ? "" : String.valueOf(refusal.getSQLState()).replaceAll("[^0-9A-Z]", "");
        int vendor = refusal == null ? 0 : refusal.getErrorCode();
        return word + " " + (state.isEmpty() ? "-" : state) + " " + vendor + " " + flat(text);
    }

    private static String textOf(Throwable failure) {
        String message = failure.getMessage();
        return failure instanceof SQLException && message != null ? message : failure.toString();
    }

    private static String flat(String text) {
        String line = text.replaceAll("[\\p{Cntrl}\\s]+", " ").trim();
        return line.length() > LONGEST ? line.substring(0, LONGEST) + "..." : line;
    }
}
