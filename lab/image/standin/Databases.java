package org.wso2.carbon.bootstrap;

import static org.wso2.carbon.bootstrap.Bootstrap.HOME;
import static org.wso2.carbon.bootstrap.Bootstrap.takes;

import java.io.IOException;
import java.net.*;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.*;
import java.sql.*;
import java.util.*;
import java.util.stream.Stream;

/**
 * The datasources of master-datasources.xml, of which a start connects to those in use: by the users (user-mgt.xml) and
 * by the registry (registry.xml). Nobody tries the others.
 */
final class Databases {
    private static final Path COMPONENTS = HOME.resolve("repository/components");
    private static final String USERS = "org.wso2.carbon.user.core.";
    private static final String REGISTRY = "org.wso2.carbon.registry.core.";
    private static FileLock local;

    /** As Carbon does: x-1.jar of components/lib becomes the bundle dropins/x_1_1.0.0.jar. */
    static void bundleDrivers() throws IOException {
        for (Path jar : jars()) {
            String stem = jar.getFileName().toString().replaceFirst("\\.jar$", "").replace('-', '_');
            Path bundle = COMPONENTS.resolve("dropins").resolve(stem + "_1.0.0.jar");
            if (!Files.exists(bundle) || Files.mismatch(jar, bundle) >= 0) {
                Files.copy(jar, bundle, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    static void connect() {
        connectUsers();
        connectRegistry();
        Log.info(REGISTRY + "internal.RegistryCoreServiceComponent", "Registry Mode    : READ-WRITE");
        Log.info(USERS + "internal.UserStoreMgtDSComponent", "Carbon UserStoreMgtDSComponent activated successfully.");
    }

    /** After these errors the product is silent for ever. */
    private static void connectUsers() {
        String name = Xml.read("user-mgt.xml").text("Realm/Configuration/Property[@name='dataSource']");
        try {
            if (Vault.isClosed()) throw new SQLException("Wrong user name or password [28000-140]");
            connectTo(name);
        } catch (Exception refused) {
            String reason = "Database Error - " + refused.getMessage();
            Exception realm = new Exception(reason, refused);
            Log.error(USERS + "util.DatabaseUtil", reason, refused);
            Log.error(USERS + "common.DefaultRealmService", "Cannot initialize the realm.", realm);
            Log.error(USERS + "internal.Activator", "Cannot start User Manager Core bundle",
                new Exception("Cannot initialize the realm.", realm));
            throw new Bootstrap.Hung();
        }
    }

    private static void connectRegistry() {
        long before = System.currentTimeMillis();
        Xml registry = Xml.read("registry.xml");
        Set<String> inUse = new LinkedHashSet<>(List.of(registry.text("currentDBConfig")));
        registry.all("remoteInstance").forEach(mounted -> inUse.add(mounted.text("dbConfig")));
        for (String config : inUse) {
            try {
                connectTo(registry.text("dbConfig[@name='" + config + "']/dataSource"));
            } catch (Exception refused) {
                Log.error(REGISTRY + "internal.RegistryCoreServiceComponent",
                    "Failed to activate Registry Core bundle ", refused);
                throw new Bootstrap.Hung();
            }
        }
        Log.info(REGISTRY + "jdbc.EmbeddedRegistryService",
            "Configured Registry in " + (System.currentTimeMillis() - before) + "ms");
        takes(0.6);
    }

    private static void connectTo(String jndi) throws Exception {
        List<Xml> sources = Xml.read("datasources/master-datasources.xml")
            .all("datasources/datasource[jndiConfig/name='" + jndi + "']");
        if (sources.isEmpty()) throw new SQLException("Name [" + jndi + "] is not bound in this Context");
        Xml settings = sources.get(0).all("definition/configuration").get(0);
        String url = settings.text("url");
        if (url.startsWith("jdbc:h2:")) {
            openLocal(HOME.resolve(url.substring("jdbc:h2:".length()).split(";")[0] + ".h2.db"));
            return;
        }
        try {
            connect(url, settings);
        } catch (Exception refused) {
            Log.error("org.apache.tomcat.jdbc.pool.ConnectionPool", "Unable to create initial connections of pool.", refused);
            throw refused;
        }
    }

    /** A local database without its tables is of no use; -Dsetup makes them. One process at a time has it. */
    private static void openLocal(Path file) throws Exception {
        boolean setUp = System.getProperty("setup") != null;
        if (local != null) return;
        if (setUp && Files.exists(file)) {
            Log.info(USERS + "common.DefaultRealmService", "Database already exists. Not creating a new database.");
        } else if (setUp) {
            Files.createDirectories(file.getParent());
            Files.writeString(file, "tables\n");
        } else if (!Files.exists(file)) {
            throw new SQLException("Table \"REG_RESOURCE\" not found");
        }
        local = FileChannel.open(file, StandardOpenOption.WRITE).tryLock();
        if (local == null) {
            throw new SQLException("Database may be already in use: \"Locked by another process\". Possible solutions:"
                + " close all other connection(s); use the server mode [90020-140]");
        }
    }

    private static void connect(String url, Xml settings) throws Exception {
        Properties login = new Properties();
        login.setProperty("user", settings.text("username"));
        login.setProperty("password", Vault.resolve(settings, "password"));
        try (Connection connection = driver(settings.text("driverClassName")).connect(url, login)) {
            if (connection == null) throw new SQLException("Driver returned null for URL:" + url);
            connection.createStatement().execute(settings.text("validationQuery", "SELECT 1"));
        }
    }

    private static Driver driver(String name) throws Exception {
        List<URL> urls = new ArrayList<>();
        for (Path jar : jars()) {
            urls.add(jar.toUri().toURL());
        }
        try {
            ClassLoader drivers = new URLClassLoader(urls.toArray(URL[]::new));
            return (Driver) Class.forName(name, true, drivers).getConstructor().newInstance();
        } catch (ClassNotFoundException missing) {
            throw new ClassNotFoundException(name + " cannot be found by jdbc-pool_7.0.34.wso2v2");
        }
    }

    private static List<Path> jars() throws IOException {
        try (Stream<Path> files = Files.list(COMPONENTS.resolve("lib"))) {
            return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
        }
    }

    private Databases() { }
}
