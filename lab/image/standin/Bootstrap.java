package org.wso2.carbon.bootstrap;

import java.io.IOException;
import java.lang.module.ModuleDescriptor.Version;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.logging.LogManager;

/**
 * A stand-in for a Carbon server: what a provisioning tool can see of one, and nothing else.
 *
 * <p>It reads the product's configuration files by the product's rules, connects to its databases, joins its cluster
 * over Apache Tribes, logs the product's lines in the product's format, answers HTTP and HTTPS, and shuts down as the
 * product does. lab/README.md lists its limits and the knobs for tests.
 */
public final class Bootstrap {
    static final Path HOME = Path.of(System.getProperty("carbon.home")).toAbsolutePath();
    static final Path CONF = HOME.resolve("repository/conf");
    static final long STARTED = System.currentTimeMillis();
    static final Cluster CLUSTER = new Cluster();
    static final Web WEB = new Web();
    private static final String CORE = "org.wso2.carbon.core.";

    public static void main(String[] args) throws Exception {
        LogManager.getLogManager().reset(); // Tribes' own lines are not part of the product's log
        for (String arg : args) {
            if (arg.startsWith("-D")) {
                String[] pair = arg.substring(2).split("=", 2);
                System.setProperty(pair[0], pair.length == 2 ? pair[1] : "true");
            }
        }
        // The product leaves exactly 100 bytes: the digits, a line end, and NULs.
        byte[] pid = (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII);
        Files.write(HOME.resolve("wso2carbon.pid"), Arrays.copyOf(pid, 100));
        Files.createDirectories(HOME.resolve("tmp")); // the script has removed it
        Files.createDirectories(Log.folder());
        if (isWorker() && !Files.isDirectory(HOME.resolve("repository/components/worker"))) {
            Log.write("FATAL", "org.wso2.carbon.launcher.CarbonLauncher", "OSGi runtime worker profile not found");
            throw new RuntimeException("worker profile not found");
        }
        Runtime.getRuntime().addShutdownHook(new Thread(Bootstrap::shutDown));
        if (knob("ignore-term") != null) {
            sun.misc.Signal.handle(new sun.misc.Signal("TERM"), signal -> { });
        }
        try {
            startUp();
        } catch (Hung silentForEver) {
            while (true) {
                pause(3600);
            }
        }
    }

    /** In the order, the words and, with the knob `pace` at 1, the time of a worker of kernel 4.2.0. */
    private static void startUp() throws Exception {
        takes(3.4);
        Vault.open();
        sayHello();
        pause(Double.parseDouble(knob("start-seconds", "0")));
        Databases.bundleDrivers();
        takes(3.4);
        Databases.connect();
        takes(3.5);
        Xml clustering = Xml.read("axis2/axis2.xml").all("clustering").get(0);
        boolean enabled = clustering.text("@enable").equals("true");
        String builder = "org.apache.axis2.deployment.ClusterBuilder";
        Log.info(builder, "Clustering has been " + (enabled ? "enabled" : "disabled"));
        if (enabled) Log.info(builder, "Running in application mode");
        takes(1.9);
        Log.info(CORE + "init.CarbonServerManager", "Repository       : " + HOME + "/repository/deployment/server/");
        if (kernelIsAtLeast("4.4")) {
            Log.info(CORE + "multitenancy.eager.TenantLoadingConfig", "Using tenant lazy loading policy...");
        }
        Log.info(CORE + "internal.permission.update.PermissionUpdater", "Permission cache updated for tenant -1234");
        WEB.configure();
        dieIfAskedTo("before-cluster");
        CLUSTER.initialize(clustering);
        dieIfAskedTo("after-cluster");
        WEB.open();
        takes(0.9);
        pause(Double.parseDouble(knob("finish-seconds", "0")));
        if (knob("never-started") != null) throw new Hung();
        Log.info(CORE + "init.JMXServerManager",
            "JMX Service URL  : service:jmx:rmi://localhost:11111/jndi/rmi://localhost:9999/jmxrmi");
        String finalizer = CORE + "internal.StartupFinalizerServiceComponent";
        Log.info(finalizer, "Server           :  " + product() + "-" + Xml.read("carbon.xml").text("Version"));
        Log.info(finalizer, "WSO2 Carbon started in " + (System.currentTimeMillis() - STARTED + 999) / 1000 + " sec");
        if (!isWorker()) {
            Log.info("org.wso2.carbon.ui.internal.CarbonUIServiceComponent",
                "Mgt Console URL  : https://" + WEB.hostName + ":" + WEB.https + "/carbon/");
        }
    }

    private static void sayHello() {
        String activator = CORE + "internal.CarbonCoreActivator";
        Log.info(activator, "Starting WSO2 Carbon...");
        Log.info(activator, "Java Home        : " + System.getProperty("java.home"));
        Log.info(activator, "Java Version     : " + System.getProperty("java.version"));
        Log.info(activator, "Carbon Home      : " + HOME);
        Log.info(activator, "Java Temp Dir    : " + System.getProperty("java.io.tmpdir"));
        Log.info(activator, "User             : " + System.getProperty("user.name") + ", "
            + Locale.getDefault().toLanguageTag() + ", " + TimeZone.getDefault().getID());
        Log.write(" WARN", CORE + "bootup.validator.SystemValidator",
            "Could not validate the system for configuration parameter : CPU");
        Log.write(" WARN", CORE + "bootup.validator.util.ValidationResultPrinter",
            (kernelIsAtLeast("4.4") ? "Carbon is configured to use the default keystore (wso2carbon.jks)."
                : "The default keystore (wso2carbon.jks) is currently being used.")
            + " To maximize security when deploying to a production environment, configure a new keystore with a unique"
            + " password in the production server profile.");
    }

    /** The member port closes at once; the HTTP ports close last. */
    private static void shutDown() {
        String manager = CORE + "init.CarbonServerManager";
        String maintenance = CORE + "ServerManagement";
        Log.info(manager, "Shutdown hook triggered....");
        Log.info(manager, "Gracefully shutting down " + product() + "...");
        Log.info(maintenance, "Starting to switch to maintenance mode...");
        CLUSTER.leave();
        Log.info(maintenance, "Stopped all transport listeners");
        Log.info(maintenance, "Waiting for request service completion...");
        if (WEB.isDrained()) {
            Log.info(maintenance, "All requests have been served.");
        } else {
            Log.write(" WARN", maintenance, "Timeout occurred even though there are active connections.");
        }
        WEB.refuse();
        for (String line : List.of("Waiting for deployment completion...", "All deployment tasks have been completed.",
                "Waiting for server task completion...", "All server tasks have been completed.")) {
            Log.info(maintenance, line);
        }
        Log.info(manager, "Shutting down " + product() + "...");
        Log.info(manager, "Shutting down OSGi framework...");
        takes(0.3);
        WEB.fallSilent();
        takes(1.8);
        Log.info(manager, "Stopping CarbonServerManager...");
        WEB.close();
        takes(0.4);
        Log.info(manager, "Shutdown complete");
        Log.info(manager, "Halting JVM");
    }

    static boolean isWorker() { return Boolean.getBoolean("workerNode"); }

    private static String product() { return "WSO2 Application Server"; }

    /** Some lines exist only from one kernel on; bin/wso2carbon-version.txt says which one this is. */
    static boolean kernelIsAtLeast(String wanted) {
        try {
            String own = Files.readString(HOME.resolve("bin/wso2carbon-version.txt")).strip().replaceFirst(".* v", "");
            return Version.parse(own).compareTo(Version.parse(wanted)) >= 0;
        } catch (IOException missing) {
            return true;
        }
    }

    /** The value of a knob: the text of AS_HOME/standin/NAME, or -Dstandin.NAME=...; null without either. */
    static String knob(String name) {
        try {
            return Files.readString(HOME.resolve("standin").resolve(name)).strip();
        } catch (IOException absent) {
            return System.getProperty("standin." + name);
        }
    }

    static String knob(String name, String otherwise) { return Objects.requireNonNullElse(knob(name), otherwise); }

    private static void dieIfAskedTo(String moment) {
        if (moment.equals(knob("die"))) {
            Runtime.getRuntime().halt(1);
        }
    }

    /** Wait as long as the product takes here, times the knob `pace`: no time at all by default. */
    static void takes(double seconds) { pause(seconds * Double.parseDouble(knob("pace", "0"))); }

    static void pause(double seconds) {
        try {
            Thread.sleep((long) (1000 * seconds));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    /** A failed start of the product mostly leaves a JVM that says nothing more, and never "started". */
    static final class Hung extends RuntimeException { }
}
